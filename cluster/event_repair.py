"""A damaged SQLite database written anew: every row that is as it was written, and nothing else."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, text, update

from cluster.database import (
    COUNTERS,
    EVENTS_TABLE,
    REMOVED,
    counter_value,
    draw_numbers,
    open_database,
    writing,
)
from cluster.event_digest import DIGESTED, event_digest
from cluster.event_pages import rows_of_pages
from cluster.log_file import damage_of, log_of, logs_set_aside, page_images, set_aside
from cluster.salvaged_tables import copy_tables
from recsys.errors import StoreError
from recsys.workspace import sync_folder

NAMES = (*DIGESTED, "digest")
BATCH = 5_000
TIES = """INSERT INTO visitor_owners (visitor_key, user_key)
SELECT 'visitor:' || visitor_id, user_key FROM events WHERE user_id <> '' AND visitor_id <> '' ORDER BY seq
ON CONFLICT (visitor_key) DO UPDATE SET user_key = excluded.user_key
WHERE NOT EXISTS (SELECT 1 FROM events WHERE events.user_key = visitor_owners.user_key)"""
"""An owner whom no event knows was changed by the disk; the first event that names one says who it is."""


@dataclass(frozen=True)
class Repair:
    """What became of a damaged database."""

    events: int
    """Events that the new database has."""
    from_logs: int
    """Those of them that only a log set aside had; they stand at the end."""
    lost: int
    """Events that were drawn a number and are nowhere whole."""
    incomplete: dict[str, str] = field(default_factory=dict)
    """Other tables that could not be read to the end, and why."""
    kept_as: str = ""
    """Where the damaged file is now."""


def repair(database: Path) -> Repair:
    """Write the good rows of a database to a new file and put it in the old one's place.

    The old file and its logs stay beside it. Raises `StoreError` while somebody has the database open.
    """
    if damage_of(log_of(database)) is not None:
        set_aside(log_of(database))
    _take_in_log(database)
    fresh = database.with_name(f"{database.name}.repairing")
    for left in fresh.parent.glob(f"{fresh.name}*"):
        left.unlink()
    engine = open_database(f"sqlite:///{fresh}")
    with writing(engine) as connection:
        incomplete = copy_tables(database, connection)
        _insert(connection, rows_of_pages(database))
        expected = _expected(connection)
        from_logs = sum(_append(connection, database, log) for log in logs_set_aside(database))
        connection.execute(text(TIES))
        events = _account(connection)
    engine.dispose()
    kept_as = _put_in_place(database, fresh)
    return Repair(events, from_logs, max(expected - events + from_logs, 0), incomplete, kept_as)


def _take_in_log(database: Path) -> None:
    """Move the log's pages into the file, as its only user."""
    try:
        with closing(sqlite3.connect(database, timeout=1, isolation_level=None)) as connection:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("COMMIT")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise StoreError(
                "the database is in use",
                expected="the service and every command stopped",
                where=str(database),
            ) from error
    except (sqlite3.Error, UnicodeError):
        pass  # what SQLite cannot open at all is read page by page


def _insert(connection: Connection, rows: Iterable[Sequence[Any]]) -> None:
    statement = insert(EVENTS_TABLE).prefix_with("OR IGNORE")
    for batch in _batches(rows):
        connection.execute(statement, [dict(zip(NAMES, row, strict=True)) for row in batch])


def _append(connection: Connection, database: Path, log: Path) -> int:
    """Rows of a log that the database has not, under new numbers; how many."""
    added = 0
    for batch in _batches(rows_of_pages(database, dict(page_images(log)))):
        ids = EVENTS_TABLE.c.event_id
        stored = connection.execute(select(ids).where(ids.in_([row[1] for row in batch])))
        known = set(stored.scalars())
        fresh = {row[1]: row for row in batch if row[1] not in known}
        last = draw_numbers(connection, "events", len(fresh))
        for number, row in enumerate(fresh.values(), last + 1):
            values = (number, *row[1 : len(DIGESTED)])
            full = dict(zip(NAMES, (*values, event_digest(values)), strict=True))
            connection.execute(insert(EVENTS_TABLE), full)
        added += len(fresh)
    return added


def _batches(rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    following = iter(rows)
    while batch := list(itertools.islice(following, BATCH)):
        yield batch


def _expected(connection: Connection) -> int:
    """Events that there should be by the counters, which are raised where they are behind."""
    from cluster.counters import settle

    settle(connection)
    return counter_value(connection, "events") - counter_value(connection, REMOVED)


def _account(connection: Connection) -> int:
    """Let the gaps that stay count as removed, so that the next check finds new losses only."""
    events = int(connection.execute(select(func.count()).select_from(EVENTS_TABLE)).scalar_one())
    gaps = counter_value(connection, "events") - events
    connection.execute(update(COUNTERS).where(COUNTERS.c.name == REMOVED).values(value=gaps))
    return events


def _put_in_place(database: Path, fresh: Path) -> str:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    kept = database.with_name(f"{database.name}.damaged-{now}")
    for old in sorted(database.parent.glob(f"{database.name}*")):
        ending = old.name.removeprefix(database.name)
        if ending.startswith((".repairing", ".damaged-")):
            continue
        os.replace(old, kept.with_name(kept.name + ending))
    os.replace(fresh, database)
    for left in fresh.parent.glob(f"{fresh.name}*"):
        left.unlink()
    sync_folder(database.parent)
    return kept.name
