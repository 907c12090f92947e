"""Tables of a backup put back on a PostgreSQL server, all of them or none."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from cluster.answer_tables import METADATA as SERVING_METADATA
from cluster.backup.databases import our_tables, table_file
from cluster.backup.sinks import CHUNK
from cluster.database import METADATA, database_engine, writing
from cluster.schema import SCRIPTS, SERVING, SHOP
from recsys.backup_manifest import BackupManifest
from recsys.errors import BackupError, ConfigError


def restore_server(url: str, staged: Path, manifest: BackupManifest, *, force: bool) -> None:
    """Make the tables as the backup's release had them and fill them, in one transaction.

    Raises `ConfigError` when tables of ours are there and `force` is not given.
    """
    engine = database_engine(url)
    try:
        with writing(engine) as connection:
            _make_room(connection, force=force)
            _make_tables(connection, manifest)
            for name, columns in manifest.tables.items():
                _fill(connection, name, columns, staged / table_file(name))
    finally:
        engine.dispose()


def _make_room(connection: Connection, *, force: bool) -> None:
    there = our_tables(connection)
    if there and not force:
        wanted = "a database without our tables, or --force"
        raise ConfigError("a restore overwrites nothing", expected=wanted, found=there[0])
    for name in there:
        connection.execute(text(f'DROP TABLE "{name}" CASCADE'))


def _make_tables(connection: Connection, manifest: BackupManifest) -> None:
    from cluster.migrations import run_scripts

    for schema in (SHOP, SERVING):
        revision = manifest.revisions.get(schema.name, schema.head)
        if revision != schema.head:
            run_scripts(connection, schema.version_table, SCRIPTS / schema.name, None, revision)
    for metadata in (METADATA, SERVING_METADATA):
        wanted = [table for name, table in metadata.tables.items() if name in manifest.tables]
        metadata.create_all(connection, tables=wanted)
    if unknown := set(manifest.tables) - set(our_tables(connection)):
        raise BackupError("the backup has a table that this release does not know", found=min(unknown))


def _fill(connection: Connection, name: str, columns: list[str], file: Path) -> None:
    known = {column["name"] for column in inspect(connection).get_columns(name)}
    if unknown := set(columns) - known:
        raise BackupError("the backup has a column that is not known", found=f"{name}.{min(unknown)}")
    connection.execute(text(f'DELETE FROM "{name}"'))
    listed = ", ".join(f'"{column}"' for column in columns)
    driver = connection.connection.driver_connection
    assert driver is not None
    statement = f'COPY "{name}" ({listed}) FROM STDIN'
    with file.open("rb") as rows, driver.cursor() as cursor, cursor.copy(statement) as target:
        while part := rows.read(CHUNK):
            target.write(part)
    for column in columns:
        _continue_numbers(connection, name, column)


def _continue_numbers(connection: Connection, name: str, column: str) -> None:
    """A column that the server numbers goes on after the rows that came."""
    sequence = connection.execute(
        text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": name, "c": column}
    ).scalar()
    if sequence is not None:
        connection.execute(
            text(f'SELECT setval(:s, COALESCE(max("{column}"), 0) + 1, false) FROM "{name}"'), {"s": sequence}
        )
