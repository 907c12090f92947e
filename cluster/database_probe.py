"""Looking at a database without changing it: no file, table or row is made."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from cluster.database import SCHEMA_VERSION, counter_value, reading
from recsys.errors import ConfigError, StoreError

WAIT_S = 5
"""How long a connection is waited for."""


def open_existing(url: str) -> Engine:
    """An engine over a database whose schema this release can read.

    Raises `ConfigError` for a URL that names no usable database; `StoreError` when there is none, it does
    not answer, it is no shop's, or it is of a newer schema.
    """
    try:
        target = make_url(url)
        if target.get_backend_name() == "sqlite":
            _require_file(target.database)
            engine = create_engine(target, connect_args={"timeout": WAIT_S})
        else:
            engine = create_engine(target, connect_args={"connect_timeout": WAIT_S})
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(
            "the database URL is not usable",
            expected="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
            found=type(error).__name__,
        ) from error
    _require_schema(engine)
    return engine


def schema_version(engine: Engine) -> int:
    """The schema that the tables are of; raises `StoreError` when the database does not answer."""
    with reading(engine) as connection:
        return counter_value(connection, "schema")


def has_table(engine: Engine, name: str) -> bool:
    """Whether a table is there."""
    with reading(engine) as connection:
        return inspect(connection).has_table(name)


def _require_file(name: str | None) -> None:
    if not name or not Path(name).is_file():
        raise StoreError("there is no database", expected="a run of `recsys import`", found=str(name))


def _require_schema(engine: Engine) -> None:
    if not has_table(engine, "counters"):
        raise StoreError("the database has no tables", expected="a run of `recsys import`")
    if (found := schema_version(engine)) > SCHEMA_VERSION:
        raise StoreError(
            "the database was written by a newer release",
            expected=f"schema {SCHEMA_VERSION} or older",
            found=str(found),
        )
