"""Versioned schemas of our databases: what is there, what is missing, and bringing it up to this release.

Tables that exist are changed by the Alembic scripts of `cluster/migrations`; tables that are new are made by
themselves. One process at a time does it, in one transaction: killed in the middle, nothing has happened.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, Table, inspect, select, text

from cluster import key_store, key_usage, tombstone_table  # noqa: F401  # their tables, into METADATA
from cluster.answer_tables import METADATA as SERVING_METADATA
from cluster.counters import are_settled, settle  # and through it the control tables, into METADATA
from cluster.database import METADATA, reading, writing
from recsys.errors import StoreError

log = logging.getLogger(__name__)
SCRIPTS = Path(__file__).parent / "migrations"
LOCK = 0x7EC5_0001
"""PostgreSQL's advisory lock under which a schema is changed."""


@dataclass(frozen=True)
class Schema:
    """The tables of one database and their history."""

    name: str
    """Also the folder of its scripts."""
    metadata: MetaData
    head: str
    """Revision of this release."""
    marker: str
    """Table by which a database from before revisions were kept is recognised; it is of `FIRST`."""
    settle: Callable[[Connection], None] = lambda _: None
    """Called after every change of the tables."""
    is_settled: Callable[[Connection], bool] = lambda _: True

    @property
    def version_table(self) -> str:
        """Where Alembic keeps the revision; two schemas may share one PostgreSQL database."""
        return f"schema_{self.name}"

    @property
    def versions(self) -> Table:
        """That table."""
        return self.metadata.tables[self.version_table]


FIRST = "0001"
SHOP = Schema("shop", METADATA, "0003", "counters", settle, are_settled)
SERVING = Schema("serving", SERVING_METADATA, "0001", "answers")


@dataclass(frozen=True)
class SchemaState:
    """How far a database is from what this release needs."""

    revision: str | None
    """None: it has no tables of ours."""
    head: str
    steps: tuple[str, ...]
    """Scripts that would run, oldest first."""
    new_tables: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether there is nothing to do."""
        return self.revision == self.head and not self.steps and not self.new_tables


def schema_state(engine: Engine, schema: Schema) -> SchemaState:
    """What `bring_up` would do; changes nothing. Raises `StoreError` for a newer schema."""
    with reading(engine) as connection:
        return _state(connection, schema)


def bring_up(engine: Engine, schema: Schema) -> SchemaState:
    """Make or change the tables so that this release can use them; the state that was found.

    Raises `StoreError`, and changes nothing, when the database is of a newer release.
    """
    with reading(engine) as connection:
        found = _state(connection, schema)
        if found.is_current and schema.is_settled(connection):
            return found
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        found = _state(connection, schema)
        _change(connection, schema, found)
    return found


def _change(connection: Connection, schema: Schema, found: SchemaState) -> None:
    if found.steps:
        from cluster.migrations import run_scripts

        log.warning("%s database: schema %s becomes %s", schema.name, found.revision, schema.head)
        run_scripts(connection, schema.version_table, SCRIPTS / schema.name, found.revision)
    schema.metadata.create_all(connection)
    if found.revision is None:
        connection.execute(schema.versions.insert().values(version_num=schema.head))
    schema.settle(connection)


def _state(connection: Connection, schema: Schema) -> SchemaState:
    tables = set(inspect(connection).get_table_names())
    revision = _revision(connection, schema, tables)
    missing = tuple(sorted(set(schema.metadata.tables) - tables)) if revision else ()
    if revision in (None, schema.head):
        return SchemaState(revision, schema.head, (), missing)
    from cluster.migrations import steps_after

    steps = steps_after(SCRIPTS / schema.name, revision)
    if steps is None:
        raise StoreError(
            "the database was written by a newer release",
            expected=f"schema {schema.head} or older",
            found=revision,
            where=f"the {schema.name} database",
        )
    return SchemaState(revision, schema.head, steps, missing)


def _revision(connection: Connection, schema: Schema, tables: set[str]) -> str | None:
    if schema.version_table in tables:
        found = connection.execute(select(schema.versions.c.version_num)).scalar_one_or_none()
        if found is not None:
            return str(found)
    return FIRST if schema.marker in tables else None
