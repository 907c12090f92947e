"""Alembic's scripts of each schema, and running them on a connection that is inside a transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection


def steps_after(folder: Path, revision: str) -> tuple[str, ...] | None:
    """`revision: what it does` of the scripts that follow, oldest first; None for an unknown revision."""
    scripts = _scripts(folder)
    try:
        scripts.get_revision(revision)
    except CommandError:
        return None
    following = reversed(list(scripts.iterate_revisions("head", revision)))
    return tuple(f"{script.revision}: {script.doc.rstrip('.')}" for script in following)


def run_scripts(
    connection: Connection, version_table: str, folder: Path, revision: str | None, to: str = "head"
) -> None:
    """Run the scripts after `revision` (None: all) up to `to`; their changes are part of the caller's
    transaction. Raises what the database raises.
    """
    scripts = _scripts(folder)
    if revision is not None:
        stamp(connection, version_table, folder, revision)

    def steps(current: Any, _: MigrationContext) -> Any:
        return scripts._upgrade_revs(to, current)  # what Alembic's own command calls

    context = _context(connection, version_table, scripts, steps)
    with Operations.context(context):
        context.run_migrations()


def stamp(connection: Connection, version_table: str, folder: Path, revision: str) -> None:
    """Write down which revision the tables are of."""
    scripts = _scripts(folder)
    _context(connection, version_table, scripts, None).stamp(scripts, revision)


def _scripts(folder: Path) -> ScriptDirectory:
    return ScriptDirectory(str(folder.parent), version_locations=[str(folder)])


def _context(
    connection: Connection, version_table: str, scripts: ScriptDirectory, steps: Any
) -> MigrationContext:
    options = {"version_table": version_table, "script": scripts, "fn": steps}
    return MigrationContext.configure(connection, opts=options)
