"""`recsys map`."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.console import show
from jobs.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption, runtime_of


def draw(
    version: Annotated[str | None, typer.Argument(help="Index version; the published when absent.")] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    points: Annotated[int, typer.Option(min=2, max=20_000, help="Most items to draw.")] = 5_000,
    as_json: JsonOption = False,
) -> None:
    """Draw an index version's items on a plane for the console; run again, it draws them anew.

    Example: recsys map
    """
    from jobs.item_map import run_map

    show("map", run_map(runtime_of(workspace, None), version, points), as_json)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("map")(draw)
