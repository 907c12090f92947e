"""`recsys doctor`: whether this installation and its shop are well, and what to do where they are not."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.options import DEFAULT_WORKSPACE, DatabaseOption, JsonOption, WorkspaceOption
from recsys.config import RuntimeConfig

UNWELL = 3


def doctor(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    url: Annotated[
        str | None, typer.Option("--url", help="A service that runs, such as http://127.0.0.1:8000.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Examine packages, machine, workspace, database, index, encoder and loop; change nothing.

    Reads the published index version whole. Ends with 3 when something failed; warnings end with 0.

    Example: recsys doctor --url http://127.0.0.1:8000
    """
    from jobs.doctor.examination import examine, is_healthy, show_findings

    found = examine(RuntimeConfig(workspace=workspace, database_url=database_url), url)
    show_findings(found, as_json)
    if not is_healthy(found):
        raise typer.Exit(UNWELL)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)
