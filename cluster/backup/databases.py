"""Databases as of one moment, while others write to them."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, func, inspect, select

from cluster import loop_tables  # noqa: F401  # puts its tables into METADATA
from cluster.answer_tables import METADATA as SERVING_METADATA
from cluster.backup.sinks import Sink
from cluster.database import EVENTS_TABLE, METADATA, counter_value, open_database, reading
from cluster.schema import SERVING, SHOP, schema_state
from cluster.serving_database import serving_engine
from recsys.backup_manifest import EventsCut, FileRecord

PREFIX = "databases/"
SHOP_FILE, SERVING_FILE = f"{PREFIX}recsys.db", f"{PREFIX}serving.db"
PAGES_AT_ONCE = -1
"""All: in one step of the copy other writers go on, and the copy is of one moment."""


@dataclass(frozen=True)
class DatabaseCopies:
    """What was copied."""

    cut: EventsCut
    revisions: dict[str, str]
    files: list[FileRecord]
    tables: dict[str, list[str]] = field(default_factory=dict)


def table_file(name: str) -> str:
    """Where a server's table lies in a backup."""
    return f"{PREFIX}{name}.copy"


def copy_sqlite(sink: Sink, shop: Path, serving: Path, scratch: Path) -> DatabaseCopies:
    """Copies of the database files by SQLite's own online backup."""
    copies, revisions = [(SHOP_FILE, shop)], {}
    if serving.is_file():
        copies.append((SERVING_FILE, serving))  # later: every list that an event names is there
    files: list[FileRecord] = []
    for name, source in copies:
        taken_at_us = time.time_ns() // 1_000
        made = scratch / Path(name).name
        _copy_file(source, made)
        files.append(sink.add(name, made))
        is_shop = name == SHOP_FILE
        engine = open_database(f"sqlite:///{made}") if is_shop else serving_engine(f"sqlite:///{made}")
        schema = SHOP if is_shop else SERVING
        revisions[schema.name] = schema_state(engine, schema).revision or schema.head
        if is_shop:
            with reading(engine) as connection:
                cut = _cut(connection, taken_at_us)
        engine.dispose()
    return DatabaseCopies(cut, revisions, files)


def copy_server(sink: Sink, engine: Engine, scratch: Path) -> DatabaseCopies:
    """Every table of ours by COPY, in one read of one moment."""
    taken_at_us = time.time_ns() // 1_000
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ")
    files, tables = [], {}
    with reading(snapshot) as connection:
        cut = _cut(connection, taken_at_us)
        for table in our_tables(connection):
            tables[table] = [column["name"] for column in inspect(connection).get_columns(table)]
            made = scratch / f"{table}.copy"
            _copy_out(connection, table, tables[table], made)
            files.append(sink.add(table_file(table), made))
            made.unlink()
    revisions = {
        schema.name: schema_state(engine, schema).revision or schema.head for schema in (SHOP, SERVING)
    }
    return DatabaseCopies(cut, revisions, files, tables)


def our_tables(connection: Connection) -> list[str]:
    """Names of the tables of ours that a server has."""
    ours = {*METADATA.tables, *SERVING_METADATA.tables}
    return sorted(ours & set(inspect(connection).get_table_names()))


def _cut(connection: Connection, taken_at_us: int) -> EventsCut:
    events = EVENTS_TABLE.c
    num, newest = connection.execute(
        select(func.count(), func.max(events.received_at)).select_from(EVENTS_TABLE)
    ).one()
    return EventsCut(counter_value(connection, "events"), int(num), newest, taken_at_us)


def _copy_file(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source, timeout=60)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy, pages=PAGES_AT_ONCE)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    shutil.copymode(source, target)


def _copy_out(connection: Connection, table: str, columns: list[str], target: Path) -> None:
    listed = ", ".join(f'"{name}"' for name in columns)
    driver = connection.connection.driver_connection
    assert driver is not None
    statement = f'COPY "{table}" ({listed}) TO STDOUT'
    with target.open("wb") as file, driver.cursor() as cursor, cursor.copy(statement) as rows:
        for part in rows:
            file.write(part)
