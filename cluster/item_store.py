"""The catalog: every item once, each change with a number that readers can follow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any
from uuid import uuid4

import pyarrow as pa
from sqlalchemy import Connection, Engine, Insert, Table, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cluster.database import ITEMS_TABLE, STAGED_TABLE, counter_value, draw_numbers, reading, writing
from cluster.item_rows import Fields, is_older, rows_of, table_of
from recsys.schemas import ITEMS

COUNTER = "items"
IDS_PER_QUERY = 5_000
STALE_STAGING_S = 86_400
PAYLOAD = [ITEMS_TABLE.c[name] for name in ITEMS.names]


@dataclass(frozen=True)
class UpsertCounts:
    """What became of the rows of one import or request."""

    inserted: int = 0
    """Items that are new, or come back after a deletion."""
    updated: int = 0
    """Items whose content changed."""
    unchanged: int = 0
    """Items that were there just so."""
    stale: int = 0
    """Rows with an older `updated_at` than the stored item; not written."""
    conflicts: int = 0
    """Rows that another row of the same import with the same id and other content replaced."""

    def __add__(self, other: UpsertCounts) -> UpsertCounts:
        """Counts of two parts of one import together."""
        return UpsertCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class ItemChanges:
    """Changes after a catalog number, in the order they were made."""

    items: pa.Table
    """`ITEMS` rows that were inserted or changed, as they are now."""
    deleted: tuple[str, ...]
    """Ids that were deleted."""
    catalog_seq: int
    """Number to continue from."""
    more: bool
    """Whether the limit cut the answer."""


class ItemStore:
    """Items in a SQL database. Thread-safe; every method is one transaction or a stream of reads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def upsert(self, items: pa.Table) -> UpsertCounts:
        """Insert or change items (`ITEMS`); durable when it returns.

        The latest wins: the greater `updated_at` when both rows have one, else the later row. Rows
        that change nothing draw no number.
        """
        latest: dict[str, Fields] = {}
        conflicts = _keep_latest(latest, rows_of(items))
        with writing(self._engine) as connection:
            counts = _merge(connection, list(latest.values()))
        return counts + UpsertCounts(conflicts=conflicts)

    @contextmanager
    def staging(self) -> Iterator[Staging]:
        """A place to collect an import of any size before it changes the catalog in one step.

        Leaving the block removes what was staged; an import that was killed leaves the catalog as
        it was, and its rows are removed by a later import.
        """
        staging = Staging(self._engine)
        try:
            yield staging
        finally:
            staging.discard()

    def delete(self, item_ids: Sequence[str]) -> int:
        """Mark items as deleted; how many were there."""
        with writing(self._engine) as connection:
            alive = select(ITEMS_TABLE.c.item_id).where(
                ITEMS_TABLE.c.item_id.in_(item_ids), ITEMS_TABLE.c.deleted.is_(False)
            )
            found = list(connection.execute(alive).scalars())
            first = draw_numbers(connection, COUNTER, len(found)) + 1
            for number, item_id in enumerate(found, first):
                change = ITEMS_TABLE.update().where(ITEMS_TABLE.c.item_id == item_id)
                connection.execute(change.values(deleted=True, change_seq=number))
        return len(found)

    def scan(self, batch_rows: int = 5_000) -> Iterator[pa.Table]:
        """All items (`ITEMS`) in ascending id order, a batch at a time; none for an empty catalog."""
        last_id = ""
        while True:
            statement = select(*PAYLOAD).where(
                ITEMS_TABLE.c.deleted.is_(False), ITEMS_TABLE.c.item_id > last_id
            )
            with reading(self._engine) as connection:
                ordered = statement.order_by(ITEMS_TABLE.c.item_id).limit(batch_rows)
                rows = connection.execute(ordered).all()
            if not rows:
                return
            last_id = rows[-1].item_id
            yield table_of(rows)

    def page(self, after: str, limit: int, text: str | None = None, category: str | None = None) -> pa.Table:
        """At most `limit` items (`ITEMS`) with ids above `after`, in ascending order.

        `text` must be in the title or the id, whatever its case; `category` holds what lies under it too.
        """
        statement = select(*PAYLOAD).where(ITEMS_TABLE.c.deleted.is_(False), ITEMS_TABLE.c.item_id > after)
        if text:
            title, item_id = ITEMS_TABLE.c.title, ITEMS_TABLE.c.item_id
            found = title.icontains(text, autoescape=True) | item_id.icontains(text, autoescape=True)
            statement = statement.where(found)
        if category:
            column = ITEMS_TABLE.c.category
            inside = column.startswith(f"{category}/", autoescape=True)
            statement = statement.where((column == category) | inside)
        with reading(self._engine) as connection:
            ordered = statement.order_by(ITEMS_TABLE.c.item_id).limit(limit)
            return table_of(connection.execute(ordered).all())

    def changes_since(self, catalog_seq: int, limit: int) -> ItemChanges:
        """What changed after `catalog_seq`, at most `limit` items."""
        statement = select(ITEMS_TABLE).where(ITEMS_TABLE.c.change_seq > catalog_seq)
        with reading(self._engine) as connection:
            ordered = statement.order_by(ITEMS_TABLE.c.change_seq).limit(limit + 1)
            rows = connection.execute(ordered).all()
        kept = rows[:limit]
        return ItemChanges(
            table_of([row for row in kept if not row.deleted]),
            tuple(row.item_id for row in kept if row.deleted),
            kept[-1].change_seq if kept else catalog_seq,
            len(rows) > limit,
        )

    def change_counts(self, catalog_seq: int) -> tuple[int, int]:
        """Items inserted or changed, and items deleted, after `catalog_seq`."""
        statement = (
            select(ITEMS_TABLE.c.deleted, func.count())
            .where(ITEMS_TABLE.c.change_seq > catalog_seq)
            .group_by(ITEMS_TABLE.c.deleted)
        )
        with reading(self._engine) as connection:
            found = {bool(deleted): int(count) for deleted, count in connection.execute(statement)}
        return found.get(False, 0), found.get(True, 0)

    def get(self, item_ids: Sequence[str]) -> pa.Table:
        """Those of the items (`ITEMS`) that exist, in ascending id order."""
        statement = select(*PAYLOAD).where(
            ITEMS_TABLE.c.item_id.in_(item_ids), ITEMS_TABLE.c.deleted.is_(False)
        )
        with reading(self._engine) as connection:
            return table_of(connection.execute(statement.order_by(ITEMS_TABLE.c.item_id)).all())

    def count(self) -> int:
        """Items that are not deleted."""
        statement = select(func.count()).select_from(ITEMS_TABLE).where(ITEMS_TABLE.c.deleted.is_(False))
        with reading(self._engine) as connection:
            return int(connection.execute(statement).scalar_one())

    def category_counts(self) -> dict[str, int]:
        """Available items by category, as the catalog spells it; items without one are not counted."""
        column = ITEMS_TABLE.c.category
        counted = ITEMS_TABLE.c.deleted.is_(False) & ITEMS_TABLE.c.available.is_(True) & column.is_not(None)
        statement = select(column, func.count()).where(counted).group_by(column)
        with reading(self._engine) as connection:
            return {str(name): int(count) for name, count in connection.execute(statement)}

    def last_seq(self) -> int:
        """Number of the newest change; 0 before the first."""
        with reading(self._engine) as connection:
            return counter_value(connection, COUNTER)


class Staging:
    """Rows of one import, the latest of each id, waiting to be merged."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._run_id = engine, f"{time.time_ns():020d}-{uuid4().hex}"
        self._conflicts = 0
        with writing(engine) as connection:
            oldest = f"{time.time_ns() - STALE_STAGING_S * 10**9:020d}"
            connection.execute(delete(STAGED_TABLE).where(STAGED_TABLE.c.run_id < oldest))

    def add(self, items: pa.Table) -> None:
        """Stage items (`ITEMS`); of two rows with one id the latest stays."""
        rows = rows_of(items)
        with writing(self._engine) as connection:
            latest = self._staged(connection, [row["item_id"] for row in rows])
            self._conflicts += _keep_latest(latest, rows)
            _write(connection, STAGED_TABLE, [{**row, "run_id": self._run_id} for row in latest.values()])

    def merge(self) -> UpsertCounts:
        """Apply everything staged to the catalog in one transaction."""
        counts, last_id = UpsertCounts(conflicts=self._conflicts), ""
        mine = select(STAGED_TABLE).where(STAGED_TABLE.c.run_id == self._run_id)
        with writing(self._engine) as connection:
            while True:
                page = mine.where(STAGED_TABLE.c.item_id > last_id).order_by(STAGED_TABLE.c.item_id)
                found = connection.execute(page.limit(IDS_PER_QUERY)).mappings().all()
                if not found:
                    return counts
                last_id = found[-1]["item_id"]
                counts += _merge(connection, [_without_run(row) for row in found])

    def discard(self) -> None:
        """Remove what was staged."""
        with writing(self._engine) as connection:
            connection.execute(delete(STAGED_TABLE).where(STAGED_TABLE.c.run_id == self._run_id))

    def _staged(self, connection: Connection, item_ids: Sequence[str]) -> dict[str, Fields]:
        found: dict[str, Fields] = {}
        for start in range(0, len(item_ids), IDS_PER_QUERY):
            statement = select(STAGED_TABLE).where(
                STAGED_TABLE.c.run_id == self._run_id,
                STAGED_TABLE.c.item_id.in_(item_ids[start : start + IDS_PER_QUERY]),
            )
            for row in connection.execute(statement).mappings():
                found[row["item_id"]] = _without_run(row)
        return found


def _without_run(row: Any) -> Fields:
    return {name: value for name, value in row.items() if name != "run_id"}


def _keep_latest(latest: dict[str, Fields], rows: Sequence[Fields]) -> int:
    """Put the latest row of each id into `latest`; how many rows met another content."""
    conflicts = 0
    for row in rows:
        there = latest.get(row["item_id"])
        if there is not None:
            conflicts += there["content_hash"] != row["content_hash"]
            if is_older(row, there["updated_at"]):
                continue
        latest[row["item_id"]] = row
    return conflicts


def _merge(connection: Connection, rows: Sequence[Fields]) -> UpsertCounts:
    """Write the rows (distinct ids) that change something, each with a number of its own."""
    counts = UpsertCounts()
    for start in range(0, len(rows), IDS_PER_QUERY):
        part = rows[start : start + IDS_PER_QUERY]
        known = _known(connection, [row["item_id"] for row in part])
        changed, tally = _changes(part, known)
        counts += tally
        first = draw_numbers(connection, COUNTER, len(changed)) + 1
        numbered = [{**row, "change_seq": n, "deleted": False} for n, row in enumerate(changed, first)]
        _write(connection, ITEMS_TABLE, numbered)
    return counts


def _known(connection: Connection, item_ids: Sequence[str]) -> dict[str, Any]:
    columns = [ITEMS_TABLE.c[name] for name in ("item_id", "content_hash", "updated_at", "deleted")]
    statement = select(*columns).where(ITEMS_TABLE.c.item_id.in_(item_ids))
    return {row.item_id: row for row in connection.execute(statement)}


def _changes(rows: Sequence[Fields], known: dict[str, Any]) -> tuple[list[Fields], UpsertCounts]:
    inserted, updated, stale = [], [], 0
    for row in rows:
        old = known.get(row["item_id"])
        if old is None or (old.deleted and not is_older(row, old.updated_at)):
            inserted.append(row)
        elif is_older(row, old.updated_at):
            stale += 1
        elif old.content_hash != row["content_hash"]:
            updated.append(row)
    counts = UpsertCounts(
        len(inserted), len(updated), len(rows) - len(inserted) - len(updated) - stale, stale
    )
    return inserted + updated, counts


def _write(connection: Connection, table: Table, rows: Sequence[Fields]) -> None:
    """Insert rows or replace those with the same key."""
    if not rows:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(table)
    keys = [column.name for column in table.primary_key]
    replaced = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    upsert: Insert = statement.on_conflict_do_update(index_elements=keys, set_=replaced)
    connection.execute(upsert, list(rows))
