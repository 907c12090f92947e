"""The SQL database of events and items: SQLite in a workspace, PostgreSQL by URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import (
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
    insert,
    make_url,
    select,
    update,
)
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from recsys.errors import ConfigError, StoreError

SCHEMA_VERSION = 1
RETENTIONS = "retentions"
"""Counter of the times that old events were removed."""
BUSY_TIMEOUT_MS = 60_000
_WRITERS: WeakKeyDictionary[Engine, Lock] = WeakKeyDictionary()
"""One lock an engine: SQLite's own wait for the write lock is not fair, a thread can starve in it."""
METADATA = MetaData()
# Ids order by code point everywhere; a database locale would order them otherwise.
ID = Text().with_variant(String(collation="C"), "postgresql")

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
    Index("events_by_user", "user_key", "seq"),
)
VISITOR_OWNERS = Table(
    "visitor_owners",
    METADATA,
    Column("visitor_key", ID, primary_key=True),
    Column("user_key", ID, nullable=False, index=True),
)


def open_database(url: str) -> Engine:
    """An engine whose tables exist; safe to call from several processes at once.

    Raises `ConfigError` for a URL that names no usable database, `StoreError` when the database
    does not answer or is of a newer schema.
    """
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            "the database URL is not usable",
            expected="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
            found=type(error).__name__,
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    _create_tables(engine)
    return engine


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


def _create_tables(engine: Engine) -> None:
    # Their modules put them into METADATA; imported here, since they import this module.
    from cluster import control_tables, tombstone_table  # noqa: F401

    for attempt in (1, 2):
        try:
            with writing(engine) as connection:
                METADATA.create_all(connection)
                _seed_counters(connection)
        except StoreError as error:
            # Two processes that create the tables at the same moment: the loser finds them there.
            if attempt == 2 or not isinstance(error.__cause__, (IntegrityError, SQLAlchemyError)):
                raise
        else:
            return


def _seed_counters(connection: Connection) -> None:
    rows = connection.execute(select(COUNTERS.c.name, COUNTERS.c.value)).all()
    known = {name: value for name, value in rows}
    if known.get("schema", SCHEMA_VERSION) > SCHEMA_VERSION:
        raise StoreError(
            "the database was written by a newer release",
            expected=f"schema {SCHEMA_VERSION} or older",
            found=str(known["schema"]),
        )
    for name, value in (
        ("schema", SCHEMA_VERSION),
        ("items", 0),
        ("events", 0),
        ("controls", 0),
        (RETENTIONS, 0),
    ):
        if name not in known:
            connection.execute(insert(COUNTERS).values(name=name, value=value))


@contextmanager
def store_errors(engine: Engine, doing: str) -> Iterator[None]:
    """Driver errors as `StoreError`, without the database's password."""
    try:
        yield
    except SQLAlchemyError as error:
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
