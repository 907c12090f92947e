"""How far a user has come in what takes time: a film, a series, a book that is read aloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from recsys.history import HistoryEvent

ENDS = frozenset({"dismiss", "return"})
"""Event types by which a user lets go of an item, however far it was watched."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of one item a user has watched, by the newest event that tells."""

    item_id: str
    share: float
    """Above 0, at most 1."""
    at_us: int
    """When it was told, microseconds since 1970 UTC."""


def watched_share(event: HistoryEvent) -> float | None:
    """The share in (0, 1] of its item that a view tells in its value; None where it tells none.

    Other numbers, such as seconds that a page was open, are no share and say nothing here.
    """
    value = event.value
    if event.event_type != "view" or value is None:
        return None
    return value if 0.0 < value <= 1.0 else None  # false for what is not a number, too


def progress_of(events: Iterable[HistoryEvent]) -> tuple[Progress, ...]:
    """What one user has watched, the newest first, from that user's events, oldest first.

    Of each item the newest share counts, also where it is smaller: whoever begins anew has begun. An
    item that was dismissed or given back since is left out.
    """
    found: dict[str, Progress] = {}
    for event in events:
        if event.event_type in ENDS:
            found.pop(event.item_id, None)
        elif (share := watched_share(event)) is not None:
            found.pop(event.item_id, None)  # so that the order is that of the newest
            found[event.item_id] = Progress(event.item_id, share, event.occurred_at_us)
    return tuple(reversed(found.values()))
