"""The SQL database of events and items: SQLite in a workspace, PostgreSQL by URL."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from cluster.log_file import damage_of, log_of, set_aside
from cluster.postgres import set_limits
from recsys.config import DatabaseLimits
from recsys.errors import ConfigError, StoreError

SCHEMA_VERSION = 3
"""Number of the schema that this release reads and writes; kept in `counters` for older releases to see."""
RETENTIONS = "retentions"
"""Counter of the times that old events were removed."""
BUSY_TIMEOUT_MS = 60_000
JOB_LIMITS = DatabaseLimits()
"""Work on all items or events takes as long as it takes."""
LOOK_AGAIN_S = 0.2
log = logging.getLogger(__name__)
_WRITERS: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()
"""One lock an engine: SQLite's own wait for the write lock is not fair, a thread can starve in it."""
METADATA = MetaData()
DAMAGED = "events_damaged"
"""Counter of what the last check of the event log found wrong."""
REMOVED = "events_removed"
"""Counter of event rows that were deleted on purpose: gaps in the log beyond these are losses."""
COUNT_REMOVALS = {
    "sqlite": (
        "CREATE TRIGGER IF NOT EXISTS events_removed AFTER DELETE ON events BEGIN "
        "UPDATE counters SET value = value + 1 WHERE name = 'events_removed'; END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION count_events_removed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "UPDATE counters SET value = value + (SELECT count(*) FROM gone) WHERE name = 'events_removed'; "
        "RETURN NULL; END $$",
        "CREATE OR REPLACE TRIGGER events_removed AFTER DELETE ON events REFERENCING OLD TABLE AS gone "
        "FOR EACH STATEMENT EXECUTE FUNCTION count_events_removed()",
    ),
}
"""By dialect; whoever deletes events need not think of it."""
# Ids order by code point everywhere; a database locale would order them otherwise.
ID = Text().with_variant(String(collation="C"), "postgresql")

Table("schema_shop", METADATA, Column("version_num", String(32), primary_key=True))
COUNTERS = Table(
    "counters", METADATA, Column("name", Text, primary_key=True), Column("value", BigInteger, nullable=False)
)


def _item_columns() -> list[Column[Any]]:
    return [
        Column("title", Text, nullable=False),
        Column("description", Text),
        Column("category", Text),
        Column("brand", Text),
        Column("price_minor", BigInteger),
        Column("currency", Text),
        Column("image_url", Text),
        Column("available", Boolean, nullable=False),
        Column("attributes", Text),  # JSON object of strings
        Column("created_at", BigInteger),  # microseconds since 1970 UTC, as below
        Column("updated_at", BigInteger),
        Column("content_hash", Text, nullable=False),
    ]


ITEMS_TABLE = Table(
    "items",
    METADATA,
    Column("item_id", ID, primary_key=True),
    *_item_columns(),
    Column("change_seq", BigInteger, nullable=False, index=True),
    Column("deleted", Boolean, nullable=False),
)
STAGED_TABLE = Table(
    "staged_items",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("item_id", ID, primary_key=True),
    *_item_columns(),
)
EVENTS_TABLE = Table(
    "events",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("event_id", ID, nullable=False, unique=True),
    Column("user_key", ID, nullable=False),
    Column("user_id", Text),
    Column("visitor_id", Text),
    Column("session_id", Text),
    Column("item_id", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("value", Float),
    Column("review_text", Text),
    Column("recommendation_id", Text),
    Column("position", Integer),
    Column("occurred_at", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("digest", BigInteger, nullable=False, server_default="0"),  # see `event_digest`
    Index("events_by_user", "user_key", "seq"),
)
for _dialect, _statements in COUNT_REMOVALS.items():
    for _statement in _statements:
        _ddl: Any = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(EVENTS_TABLE, "after_create", _ddl.execute_if(dialect=_dialect))
VISITOR_OWNERS = Table(
    "visitor_owners",
    METADATA,
    Column("visitor_key", ID, primary_key=True),
    Column("user_key", ID, nullable=False, index=True),
)


def open_database(url: str, limits: DatabaseLimits = JOB_LIMITS) -> Engine:
    """An engine whose tables exist; safe to call from several processes at once.

    `limits`: how long PostgreSQL is waited for. Raises `ConfigError` for a URL that names no usable
    database, `StoreError` when the database does not answer or is of a newer schema. A database of an
    older release is brought up to this one.
    """
    from cluster import schema  # which knows the tables of this module

    engine = database_engine(url, limits)
    schema.bring_up(engine, schema.SHOP)
    return engine


def database_engine(url: str, limits: DatabaseLimits = JOB_LIMITS) -> Engine:
    """An engine set up as ours are; makes and changes no table. Raises `ConfigError`."""
    try:
        engine = limited_engine(url, limits)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            "the database URL is not usable",
            expected="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
            found=type(error).__name__,
        ) from error
    if engine.dialect.name == "sqlite":
        _look_at_log(engine)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    return engine


def limited_engine(url: str, limits: DatabaseLimits) -> Engine:
    """A plain engine; one of a server asks before each use whether it is there, and keeps to `limits`."""
    if url.startswith("sqlite"):
        return create_engine(url, hide_parameters=True)
    engine = create_engine(url, pool_pre_ping=True, pool_timeout=limits.pool_s, hide_parameters=True)
    set_limits(engine, limits)
    return engine


def _look_at_log(engine: Engine) -> None:
    """Before SQLite drops what follows a damaged frame: say so, and keep a copy for a repair."""
    if not engine.url.database or engine.url.database == ":memory:":
        return
    path = log_of(Path(engine.url.database))
    found = damage_of(path)
    if found is None:
        return
    time.sleep(LOOK_AGAIN_S)  # a writer of this moment has gone on; damage stays as it is
    if damage_of(path) == found:
        copy = set_aside(path)
        log.error("%s ends early: %d commits may be lost, kept in %s", path, found.commits, copy.name)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection inside one consistent read; driver errors become `StoreError`."""
    with store_errors(engine, "read"), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection inside one transaction, durable when the block ends without an error."""
    turn = _WRITERS.setdefault(engine, Lock()) if engine.dialect.name == "sqlite" else nullcontext()
    with turn, store_errors(engine, "write"), engine.connect() as plain:
        connection = plain.execution_options(recsys_write=True)
        with connection.begin():
            yield connection


def draw_numbers(connection: Connection, counter: str, count: int) -> int:
    """Reserve `count` numbers of a counter; the last number before them.

    The counter's row stays locked until the transaction ends, so numbers become visible in their
    order: whoever polls for "everything after n" never misses a smaller number committed later.
    """
    statement = update(COUNTERS).where(COUNTERS.c.name == counter).values(value=COUNTERS.c.value + count)
    last = connection.execute(statement.returning(COUNTERS.c.value)).scalar_one()
    return int(last) - count


def counter_value(connection: Connection, counter: str) -> int:
    """The last number of a counter that was drawn."""
    return int(connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == counter)).scalar_one())


@contextmanager
def store_errors(engine: Engine, doing: str) -> Iterator[None]:
    """Driver errors as `StoreError`, without the database's password."""
    try:
        yield
    # A name of a column that the disk changed is decoded by the driver itself.
    except (SQLAlchemyError, UnicodeError) as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(
            f"the store refused a {doing}",
            found=f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else ''}",
            where=make_url(str(engine.url)).render_as_string(hide_password=True),
        ) from error


def _set_up_sqlite(connection: Any, _: Any) -> None:
    # The driver's own implicit BEGIN comes too late to take the write lock first; we send ours.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=FULL",  # fsync before a commit returns
        "temp_store=MEMORY",
        "secure_delete=ON",  # what was deleted is overwritten, see docs/privacy.md
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def begin_sqlite(connection: Connection) -> None:
    """Begin as the block wants: a writer takes the lock at once, a reader none."""
    writes = connection.get_execution_options().get("recsys_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
