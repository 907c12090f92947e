"""The event log: what shoppers did, durable, each event once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, func, insert, select

from cluster.change_sign import ChangeSign
from cluster.database import EVENTS_TABLE, counter_value, draw_numbers, reading, writing
from recsys.history import HistoryEvent, user_key
from recsys.schemas import EVENTS

COUNTER = "events"
IDS_PER_QUERY = 5_000
SCAN_ROWS = 50_000
DAY_US = 86_400_000_000
E = EVENTS_TABLE.c
HISTORY = (
    E.seq,
    E.event_id,
    E.user_key,
    E.item_id,
    E.event_type,
    E.value,
    E.review_text,
    E.occurred_at,
)


@dataclass(frozen=True)
class AppendCounts:
    """What became of a batch of events."""

    appended: int
    duplicates: int
    """Events whose `event_id` was there already, in the store or earlier in the batch."""


@dataclass(frozen=True)
class PopularityCounts:
    """Events after a number, counted."""

    rows: tuple[tuple[str, str, int, int], ...]
    """`(item_id, event_type, days since 1970 UTC, count)`."""
    last_seq: int
    """Number to continue from."""


class EventStore:
    """Events in a SQL database. Thread-safe; `seq` grows in commit order, so it is safe to poll."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._sign = engine, ChangeSign(engine)

    def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`), all of it or nothing; durable (fsync) when it returns.

        Idempotent by `event_id`: of events with one id the first stays. Raises `StoreError`.
        """
        return self.append_all([events])[0]

    def append_all(self, batches: Sequence[pa.Table]) -> list[AppendCounts]:
        """Append several batches in one transaction, which costs one fsync; counts of each."""
        rows = [_rows(batch) for batch in batches]
        with writing(self._engine) as connection:
            # Drawn first: it takes the lock under which nobody else can add one of our ids.
            last = draw_numbers(connection, COUNTER, 0)
            seen = self._stored(connection, [row["event_id"] for batch in rows for row in batch])
            fresh: list[dict[str, Any]] = []
            counts = [_take_new(batch, seen, fresh) for batch in rows]
            if fresh:
                draw_numbers(connection, COUNTER, len(fresh))
                numbered = [{**row, "seq": number} for number, row in enumerate(fresh, last + 1)]
                connection.execute(insert(EVENTS_TABLE), numbered)
        return counts

    def events_of(self, user_key: str, limit: int) -> list[HistoryEvent]:
        """The newest `limit` events of one user or visitor by place in the log, oldest first."""
        statement = select(*HISTORY).where(E.user_key == user_key).order_by(E.seq.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_history(row) for row in reversed(connection.execute(statement).all())]

    def events_after(self, seq: int, limit: int) -> list[HistoryEvent]:
        """The first `limit` events with a larger number, in order."""
        statement = select(*HISTORY).where(E.seq > seq).order_by(E.seq).limit(limit)
        with reading(self._engine) as connection:
            return [_history(row) for row in connection.execute(statement)]

    def change_sign(self) -> int | None:
        """A number that differs after any commit to the database; None where it has to be asked."""
        return self._sign.value()

    def last_seq(self) -> int:
        """Number of the newest event; 0 before the first."""
        with reading(self._engine) as connection:
            return counter_value(connection, COUNTER)

    def count(self) -> int:
        """Events in the log."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(EVENTS_TABLE)).scalar_one())

    def scan(self, last_seq: int | None = None, batch: int = SCAN_ROWS) -> Iterator[list[HistoryEvent]]:
        """Every event up to `last_seq` (default: the newest now) in order, in batches."""
        seq, last = 0, self.last_seq() if last_seq is None else last_seq
        while seq < last:
            events = [event for event in self.events_after(seq, batch) if event.seq <= last]
            if not events:
                return
            yield events
            seq = events[-1].seq

    def popularity_since(self, seq: int) -> PopularityCounts:
        """Events after `seq`, counted by item, type and day."""
        day = (E.occurred_at // DAY_US).label("day")
        with reading(self._engine) as connection:
            last = counter_value(connection, COUNTER)
            if last == seq:
                return PopularityCounts((), seq)
            statement = (
                select(E.item_id, E.event_type, day, func.count())
                .where(E.seq > seq, E.seq <= last)
                .group_by(E.item_id, E.event_type, day)
            )
            rows = connection.execute(statement).all()
        return PopularityCounts(tuple((i, t, int(d), int(n)) for i, t, d, n in rows), last)

    def typical_users(self, limit: int, num_events: int = 30) -> list[str]:
        """Keys of users whose number of events is nearest to `num_events`, nearest first."""
        distance = func.abs(func.count() - num_events)
        statement = (
            select(E.user_key)
            .where(E.user_id.is_not(None))
            .group_by(E.user_key)
            .order_by(distance, E.user_key)
            .limit(limit)
        )
        with reading(self._engine) as connection:
            return list(connection.execute(statement).scalars())

    def _stored(self, connection: Connection, event_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(event_ids), IDS_PER_QUERY):
            part = event_ids[start : start + IDS_PER_QUERY]
            found.update(connection.execute(select(E.event_id).where(E.event_id.in_(part))).scalars())
        return found


def _take_new(batch: Sequence[dict[str, Any]], seen: set[str], fresh: list[dict[str, Any]]) -> AppendCounts:
    before = len(fresh)
    for row in batch:
        if row["event_id"] not in seen:
            seen.add(row["event_id"])
            fresh.append(row)
    return AppendCounts(len(fresh) - before, len(batch) - (len(fresh) - before))


def _rows(events: pa.Table) -> list[dict[str, Any]]:
    columns = {name: events.column(name) for name in EVENTS.names}
    for name in ("occurred_at", "received_at"):
        columns[name] = columns[name].cast(pa.int64())
    lists = [column.to_pylist() for column in columns.values()]
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]
    for row in rows:
        row["user_key"] = user_key(row["user_id"], row["visitor_id"])
    return rows


def _history(row: Sequence[Any]) -> HistoryEvent:
    return HistoryEvent(*row)
