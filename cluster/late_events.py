"""Events of erased people that come late, or again: which of a batch may be kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from cluster.person_rows import delete_events, links_of
from cluster.tombstone_table import ErasedPeople
from recsys.history import user_key
from recsys.tombstones import Tombstones

Row = dict[str, Any]


@dataclass(frozen=True)
class Sifted:
    """A batch parted by the tombstones."""

    kept: list[Row]
    num_erased: int
    visitors: dict[str, int]
    """Keys of visitors that an erased person's event names, with the time up to which they are erased, too:
    what they did belongs to that person, though nobody knew it when the person was erased."""


def sift(batch: Sequence[Row], gone: Tombstones) -> Sifted:
    """The rows of nobody erased, by the time at which they happened."""
    if not gone:
        return Sifted(list(batch), 0, {})
    until = _cached(gone)
    kept: list[Row] = []
    visitors: dict[str, int] = {}
    for row in batch:
        erased_until = until(row["user_key"])
        if erased_until is None or row["occurred_at"] > erased_until:
            kept.append(row)
        elif row["user_id"] and row["visitor_id"]:
            visitor = user_key(None, row["visitor_id"])
            if (until(visitor) or 0) < erased_until:
                visitors[visitor] = max(erased_until, visitors.get(visitor, 0))
    return Sifted(kept, len(batch) - len(kept), visitors)


def may_tie(row: Row, gone: Tombstones) -> bool:
    """Whether an event may say whose a visitor is; not one from before that visitor was erased."""
    return not gone or not gone.cover(user_key(None, row["visitor_id"]), row["occurred_at"])


def living(
    connection: Connection, batches: Sequence[Sequence[Row]], erased: ErasedPeople
) -> tuple[list[Sifted], Tombstones]:
    """The batches without what erased people did, inside the transaction that appends them.

    A visitor of whom a dropped event tells that it was an erased person is erased as well, unless it is
    another user's by now.
    """
    gone = erased.known(connection)
    sifted = [sift(batch, gone) for batch in batches]
    visitors = {key: until for one in sifted for key, until in one.visitors.items()}
    others = {visitor for visitor, _ in links_of(connection, visitors)}
    found = {key: until for key, until in visitors.items() if key not in others}
    if not found:
        return sifted, gone
    erased.add(connection, found)
    delete_events(connection, found)
    gone = erased.known(connection)
    return [sift(batch, gone) for batch in batches], gone


def without_undated(events: pa.Table, gone: Tombstones) -> pa.Table:
    """Events (`EVENTS`) of a file without those of erased people that have no time of their own.

    They count as of when the file is read, so that an old file would bring them back as new ones.
    """
    if not gone:
        return events
    undated = pc.equal(events.column("occurred_at"), events.column("received_at")).to_pylist()
    people = zip(*(events.column(name).to_pylist() for name in ("user_id", "visitor_id")), strict=True)
    until = _cached(gone)
    keep = [not old or until(user_key(*who)) is None for old, who in zip(undated, people, strict=True)]
    return events.filter(pa.array(keep, pa.bool_()))


def _cached(gone: Tombstones) -> Callable[[str], int | None]:
    """A batch names few people often."""
    known: dict[str, int | None] = {}

    def until(key: str) -> int | None:
        if key not in known:
            known[key] = gone.erased_until(key)
        return known[key]

    return until
