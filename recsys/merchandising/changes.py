"""What a dry run shows: where each item of a list went, and by which rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """One item that stands elsewhere than before."""

    item_id: str
    before: int | None
    """Its place without the tried rules, from 1; None: it was not in the list."""
    after: int | None
    """Its place with them; None: it is not in the list any more."""
    rules: tuple[str, ...]
    """Tried rules that touched it; none where it only made or got room."""


def changes(
    before: Sequence[str], after: Sequence[str], rules: Mapping[str, Sequence[str]]
) -> tuple[Change, ...]:
    """What differs between two lists of ids without repeats: items of `after` in order, then those that left.

    `rules` names the tried rules by item: those of the answer's places, and for an item that left the
    hides and buries whose items it is among.
    """
    old = {item_id: place for place, item_id in enumerate(before, 1)}
    new = {item_id: place for place, item_id in enumerate(after, 1)}
    moved = [item_id for item_id in after if old.get(item_id) != new[item_id]]
    left = [item_id for item_id in before if item_id not in new]
    return tuple(
        Change(item_id, old.get(item_id), new.get(item_id), tuple(rules.get(item_id, ())))
        for item_id in [*moved, *left]
    )
