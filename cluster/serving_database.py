"""What serving itself writes: answers given and replicas that live. Apart from events and items.

With SQLite it is a file of its own, so that these frequent small commits neither wait for the fsync of
events nor make profiles look for changes. The last second of it may be lost with the power.
"""

from __future__ import annotations

from sqlalchemy import Engine, event

from cluster import schema
from cluster.database import JOB_LIMITS, begin_sqlite, limited_engine
from recsys.config import DatabaseLimits
from recsys.workspace import Workspace

BUSY_TIMEOUT_MS = 5_000


def serving_url(workspace: Workspace, database_url: str | None) -> str:
    """Where serving writes: the given database, or a second file beside the workspace's own."""
    if database_url is None or database_url.startswith("sqlite"):
        return f"sqlite:///{workspace.serving_database}"
    return database_url


def open_serving_database(url: str, limits: DatabaseLimits = JOB_LIMITS) -> Engine:
    """An engine whose tables exist; raises `StoreError` when it does not answer or is newer."""
    engine = serving_engine(url, limits)
    schema.bring_up(engine, schema.SERVING)
    return engine


def serving_engine(url: str, limits: DatabaseLimits = JOB_LIMITS) -> Engine:
    """An engine set up for serving's own writes; makes and changes no table."""
    engine = limited_engine(url, limits)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", begin_sqlite)
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
