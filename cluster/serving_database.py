"""What serving itself writes: answers given and replicas that live. Apart from events and items.

With SQLite it is a file of its own, so that these frequent small commits neither wait for the fsync of
events nor make profiles look for changes. The last second of it may be lost with the power.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
)

from cluster.database import begin_sqlite, writing
from cluster.tombstone_table import TOMBSTONES_TABLE
from recsys.workspace import Workspace

METADATA = MetaData()
ANSWERS_TABLE = Table(
    "answers",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("recommendation_id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),  # microseconds since 1970 UTC
    Column("unit", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("index_version", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON of the rest
    Index("answers_by_time", "at"),
    Index("answers_by_unit", "unit"),
)
REPLICAS_TABLE = Table(
    "replicas",
    METADATA,
    Column("replica_id", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),  # grows while the replica lives
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON: versions and what became of their requests
)
TOMBSTONES_TABLE.to_metadata(METADATA)  # the same table where both are one database
BUSY_TIMEOUT_MS = 5_000


def serving_url(workspace: Workspace, database_url: str | None) -> str:
    """Where serving writes: the given database, or a second file beside the workspace's own."""
    if database_url is None or database_url.startswith("sqlite"):
        return f"sqlite:///{workspace.serving_database}"
    return database_url


def open_serving_database(url: str) -> Engine:
    """An engine whose tables exist; raises `StoreError` when the database does not answer."""
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    with writing(engine) as connection:
        METADATA.create_all(connection)
    return engine


def _set_up_sqlite(connection: object, _: object) -> None:
    connection.isolation_level = None  # type: ignore[attr-defined]  # the driver's connection
    pragmas = (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "secure_delete=ON",
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]
