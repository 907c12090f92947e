"""The event log: what shoppers did, durable, each event once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from sqlalchemy import Connection, Engine, Row, Select, func, insert, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from cluster.change_sign import ChangeSign
from cluster.database import (
    EVENTS_TABLE,
    ITEMS_TABLE,
    RETENTIONS,
    VISITOR_OWNERS,
    counter_value,
    draw_numbers,
    reading,
    writing,
)
from cluster.day_counts import counted_by_day, counted_by_day_and_user
from cluster.event_digest import WIDTH, digest_of
from cluster.event_rows import (
    EVENT_ID,
    EVENT_TYPE,
    ITEM_ID,
    LIST,
    OCCURRED,
    ROW,
    USER_KEY,
    VALUE,
    DamagedRows,
    followed_event,
    history_event,
    read_rows,
    whole,
)
from cluster.late_events import living, may_tie
from cluster.tombstone_table import ErasedPeople, last_number, newest_erasure_us
from recsys.history import HistoryEvent, Response, user_key
from recsys.schemas import EVENTS
from recsys.tombstones import Tombstones

COUNTER = "events"
IDS_PER_QUERY = 5_000
SCAN_ROWS = 50_000
DAY_US = 86_400_000_000
E = EVENTS_TABLE.c
RESPONSE = (EVENT_ID, USER_KEY, ITEM_ID, EVENT_TYPE, VALUE, LIST, OCCURRED)
OWNED = EVENTS_TABLE.outerjoin(VISITOR_OWNERS, E.user_key == VISITOR_OWNERS.c.visitor_key)
OWNER = func.coalesce(VISITOR_OWNERS.c.user_key, E.user_key)


@dataclass(frozen=True)
class AppendCounts:
    """What became of a batch of events."""

    appended: int
    duplicates: int
    """Events whose `event_id` was there already, in the store or earlier in the batch."""
    erased: int = 0
    """Events that were dropped: they happened before their person was erased."""


@dataclass(frozen=True)
class PopularityCounts:
    """Events after a number, counted."""

    rows: tuple[tuple[str, str, int, int], ...]
    """`(item_id, event_type, days since 1970 UTC, count)`."""
    last_seq: int
    """Number to continue from."""


class EventStore:
    """Events in a SQL database. Thread-safe; `seq` grows in commit order, so it is safe to poll.

    An event that names a user and a visitor says that they are one person: what the visitor did, before
    and after, belongs to the first user who was named so, and to nobody else.
    """

    def __init__(self, engine: Engine, erased: ErasedPeople | None = None) -> None:
        """`erased`: tombstones with their ledger; by default those beside a SQLite file."""
        self._engine, self._sign = engine, ChangeSign(engine)
        self.damaged = DamagedRows()
        """Rows that this store's reads left out: their digest is not that of what they say."""
        self._erased = erased or ErasedPeople(engine)

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
            sifted, gone = living(connection, rows, self._erased)
            seen = self._stored(connection, [row["event_id"] for one in sifted for row in one.kept])
            fresh: list[dict[str, Any]] = []
            counts = [replace(_take_new(one.kept, seen, fresh), erased=one.num_erased) for one in sifted]
            if fresh:
                draw_numbers(connection, COUNTER, len(fresh))
                connection.execute(
                    insert(EVENTS_TABLE), [_numbered(r, n) for n, r in enumerate(fresh, last + 1)]
                )
                _tie_visitors(connection, [row for row in fresh if row["visitor_id"] and may_tie(row, gone)])
        return counts

    def events_of(self, user_key: str, limit: int) -> list[HistoryEvent]:
        """The newest `limit` events of one user or visitor by place in the log, oldest first.

        A user's events are also those of the visitors that turned out to be this user.
        """
        owned = select(VISITOR_OWNERS.c.visitor_key).where(VISITOR_OWNERS.c.user_key == user_key)
        keys = select(literal(user_key)).union_all(owned)
        statement = select(*ROW).where(E.user_key.in_(keys)).order_by(E.seq.desc()).limit(limit)
        return [history_event(row) for row in reversed(self._whole(statement))]

    def events_after(self, seq: int, limit: int) -> list[HistoryEvent]:
        """The first events with a larger number, in order, of `limit` rows; none only at the end."""
        columns = (*ROW, VISITOR_OWNERS.c.user_key.label("owner_key"))
        ordered = select(*columns).select_from(OWNED).order_by(E.seq).limit(limit)
        while rows := self._read(ordered.where(E.seq > seq)):
            if found := [followed_event(row) for row in whole(rows, self.damaged)]:
                return found
            seq = rows[-1].seq
        return []

    def change_sign(self) -> int | None:
        """A number that differs after any commit to the database; None where it has to be asked."""
        return self._sign.value()

    def last_seq(self) -> int:
        """Number of the newest event; 0 before the first."""
        with reading(self._engine) as connection:
            return counter_value(connection, COUNTER)

    def erasures(self) -> int:
        """Grows with each erasure and removal of old events: whoever keeps anything of people forgets it."""
        with reading(self._engine) as connection:
            return last_number(connection) + counter_value(connection, RETENTIONS)

    def last_erasure(self) -> datetime | None:
        """When the newest erasure was asked for; None where nobody was erased."""
        with reading(self._engine) as connection:
            at_us = newest_erasure_us(connection)
        return None if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC)

    def erased(self) -> Tombstones:
        """Everybody who was erased, to ask about people."""
        with reading(self._engine) as connection:
            return self._erased.known(connection)

    def count(self) -> int:
        """Events in the log."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(EVENTS_TABLE)).scalar_one())

    def scan(self, last_seq: int | None = None, batch: int = SCAN_ROWS) -> Iterator[list[HistoryEvent]]:
        """Every event up to `last_seq` (default: the newest now) in order, in batches.

        Events of visitors who turned out to be users are given as those users'.
        """
        seq, last = 0, self.last_seq() if last_seq is None else last_seq
        while seq < last:
            events = [event for event in self.events_after(seq, batch) if event.seq <= last]
            if not events:
                return
            yield [replace(one, user_key=one.owner_key) if one.owner_key else one for one in events]
            seq = events[-1].seq

    def responses(self, since_us: int = 0, batch: int = SCAN_ROWS) -> Iterator[list[Response]]:
        """Events that name a list and happened at `since_us` or later, in order, in batches."""
        named = E.recommendation_id.is_not(None) & (E.occurred_at >= since_us)
        ordered, seq = select(*ROW).where(named).order_by(E.seq).limit(batch), 0
        while rows := self._read(ordered.where(E.seq > seq)):
            yield [Response(*(row[place] for place in RESPONSE)) for row in whole(rows, self.damaged)]
            seq = rows[-1].seq

    def purchases(self, limit: int) -> tuple[list[tuple[str, str, int]], dict[str, str]]:
        """The newest `limit` purchases as `(user key, item, microseconds)`, and categories by item.

        A visitor who turned out to be a user counts as that user.
        """
        bought = select(*ROW, OWNER).select_from(OWNED).where(E.event_type == "purchase")
        rows = self._whole(bought.order_by(E.seq.desc()).limit(limit))
        wanted = {row[ITEM_ID] for row in rows}
        known = select(ITEMS_TABLE.c.item_id, ITEMS_TABLE.c.category)
        with reading(self._engine) as connection:
            categories = {i: c for i, c in connection.execute(known) if c is not None and i in wanted}
        return [_act(row) for row in rows], categories

    def popularity_since(
        self, seq: int, most_a_day: int | None = None, left_out: Collection[str] = ()
    ) -> PopularityCounts:
        """Events after `seq`, counted by item, type and day; of a day to come as of the day received.

        With `most_a_day` no user adds more than that to one item, type and day, however the reads are
        cut; a visitor counts as a user here. Users (and their visitors) in `left_out` add nothing.
        """
        with reading(self._engine) as connection:
            last = counter_value(connection, COUNTER)
            if last == seq:
                return PopularityCounts((), seq)
            new = (E.seq > seq) & (E.seq <= last)
            statement = counted_by_day(new, left_out)
            if most_a_day is not None:
                statement = counted_by_day_and_user(new, seq, most_a_day, left_out)
            rows = connection.execute(statement).all()
        return PopularityCounts(tuple((i, t, int(d), int(n)) for i, t, d, n in rows if n), last)

    def active_users(self, least_events: int, newest: int) -> list[tuple[str, str, int]]:
        """`(user key, item, microseconds)` of users with `least_events` or more of the `newest` events.

        Impressions are not theirs. A visitor who turned out to be a user counts as that user.
        """
        with reading(self._engine) as connection:
            first = counter_value(connection, COUNTER) - newest
            done = (E.seq > first) & (E.event_type != "impression")
            most = select(OWNER).select_from(OWNED).where(done).group_by(OWNER)
            most = most.having(func.count() >= least_events)
        acts = select(*ROW, OWNER).select_from(OWNED).where(done, OWNER.in_(most))
        return [_act(row) for row in self._whole(acts)]

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

    def _read(self, statement: Select[Any]) -> Sequence[Row[Any]]:
        with reading(self._engine) as connection:
            return read_rows(connection, statement)

    def _whole(self, statement: Select[Any]) -> list[Row[Any]]:
        return whole(self._read(statement), self.damaged)

    def _stored(self, connection: Connection, event_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for start in range(0, len(event_ids), IDS_PER_QUERY):
            part = event_ids[start : start + IDS_PER_QUERY]
            found.update(connection.execute(select(E.event_id).where(E.event_id.in_(part))).scalars())
        return found


def _tie_visitors(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    ties = {
        user_key(None, row["visitor_id"]): row["user_key"]
        for row in reversed(rows)  # of several accounts the first one named stays
        if row["user_id"] and row["visitor_id"]
    }
    if ties:
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        found = [{"visitor_key": visitor, "user_key": user} for visitor, user in ties.items()]
        connection.execute(dialect.insert(VISITOR_OWNERS).on_conflict_do_nothing(), found)


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


def _numbered(row: dict[str, Any], seq: int) -> dict[str, Any]:
    row["seq"] = seq
    row["digest"] = digest_of(row)
    return row


def _act(row: Sequence[Any]) -> tuple[str, str, int]:
    return row[WIDTH + 1], row[ITEM_ID], int(row[OCCURRED])
