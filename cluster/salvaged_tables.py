"""Tables of a damaged SQLite file as far as they can be read, put into a new one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import SQLAlchemyError

from cluster import loop_tables  # noqa: F401  # puts its tables into METADATA
from cluster.database import EVENTS_TABLE

MADE = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql <> ''"


def copy_tables(database: Path, connection: Connection) -> dict[str, str]:
    """Every table but the events, also those that this release does not know; why some are incomplete."""
    incomplete: dict[str, str] = {}
    with closing(sqlite3.connect(database)) as old:
        try:
            made = old.execute(MADE).fetchall()
        except (sqlite3.Error, UnicodeError) as error:
            return {"all but events": str(error)}
        known = set(inspect(connection).get_table_names())
        for kind, name, table, statement in made:
            if table not in known and kind in ("table", "index") and not name.startswith("sqlite_"):
                connection.exec_driver_sql(statement)
        for name in sorted({name for kind, name, _, _ in made if kind == "table"}):
            if name == EVENTS_TABLE.name or name.startswith(("schema_", "sqlite_")):
                continue
            if why := _copy_table(old, connection, name):
                incomplete[name] = why
    return incomplete


def _copy_table(old: sqlite3.Connection, connection: Connection, table: str) -> str | None:
    """From both ends, so that one broken page in the middle costs its own rows only."""
    why = None
    for order in ("", " ORDER BY rowid DESC"):
        try:
            rows = old.execute(f'SELECT * FROM "{table}"{order}')
            names = ", ".join(f'"{column[0]}"' for column in rows.description)
            places = ", ".join("?" * len(rows.description))
            statement = f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({places})'
            for row in rows:
                connection.exec_driver_sql(statement, tuple(row))
        except (sqlite3.Error, SQLAlchemyError, UnicodeError) as error:
            why = str(error)
        else:
            return None
    return why
