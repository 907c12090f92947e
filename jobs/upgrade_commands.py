"""`recsys upgrade`: the databases of an older release brought up to this one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.console import show
from jobs.options import DEFAULT_WORKSPACE, DatabaseOption, JsonOption, WorkspaceOption, database_url_of
from recsys.config import RuntimeConfig
from recsys.workspace import Workspace

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cluster.schema import Schema, SchemaState

OUTDATED = 1


def upgrade(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only look: ends with 1 when an upgrade is needed.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the databases up to this release. Every command does so when it opens them.

    Stop the service of the older release first, and make a backup. A database of a newer release is refused.

    Example: recsys upgrade --dry-run
    """
    from cluster.schema import bring_up, schema_state

    runtime = RuntimeConfig(workspace=workspace, database_url=database_url)
    act = schema_state if dry_run or check else bring_up
    found = {schema.name: act(engine, schema) for schema, engine in _databases(runtime)}
    done = "to do" if dry_run or check else "done"
    show(
        "upgrade",
        {name: _told(state, done) for name, state in found.items()} or {"databases": "none"},
        as_json,
    )
    if check and not all(state.is_current for state in found.values()):
        raise typer.Exit(OUTDATED)


def _databases(runtime: RuntimeConfig) -> list[tuple[Schema, Engine]]:
    """Those that exist; none is made."""
    from cluster.database import database_engine
    from cluster.schema import SERVING, SHOP
    from cluster.serving_database import serving_engine, serving_url

    url, serving = database_url_of(runtime), serving_url(Workspace(runtime.workspace), runtime.database_url)
    found = [(SHOP, database_engine(url))] if _exists(url) else []
    return [*found, (SERVING, serving_engine(serving))] if _exists(serving) else found


def _exists(url: str) -> bool:
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).is_file()


def _told(state: SchemaState, done: str) -> dict[str, str]:
    new = [f"new table {name}" for name in state.new_tables if not name.startswith("schema_")]
    steps = [*state.steps, *new] if state.revision else ["make every table"]
    told = {"found": state.revision or "no tables", "release": state.head}
    return {**told, done: "; ".join(steps) or "nothing"}


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(upgrade)
