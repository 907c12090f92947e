"""`recsys publish | rollback`: which index version answers."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.completion import index_versions
from jobs.console import show, waiting
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    ForceOption,
    JsonOption,
    WorkspaceOption,
    runtime_of,
)


def publish(
    version: Annotated[
        str | None,
        typer.Argument(
            help="Index version; the newest that was not refused when absent, with --force the newest.",
            autocompletion=index_versions,
        ),
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check a version whole, judge it beside the published one, and make it the one that answers.

    A service that runs loads it first in every replica; the version is published when all have confirmed.

    Example: recsys publish
    """
    from jobs import publish_index

    runtime = runtime_of(workspace, database_url)
    with waiting("publish", as_json):
        published = publish_index.run_publish(runtime, version, force=force)
    show("publish", {"published": published}, as_json)


def rollback(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Go back to the version that was published before, once every replica has it.

    Example: recsys rollback
    """
    from jobs import publish_index

    runtime = runtime_of(workspace, database_url)
    with waiting("roll back", as_json):
        published = publish_index.run_rollback(runtime)
    show("rollback", {"published": published}, as_json)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (publish, rollback):
        app.command()(command)
