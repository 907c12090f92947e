"""`recsys label choose` on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs.console import show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    EncoderVersionOption,
    JsonOption,
    WorkspaceOption,
    runtime_of,
)

app = typer.Typer(no_args_is_help=True, help="Learn most from few labels.")


@app.callback()
def label() -> None:
    """Learn most from few labels."""


@app.command()
def choose(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    num: Annotated[int, typer.Option("--num", "-n", min=1, help="Items to choose.")] = 50,
    by: Annotated[
        Literal["range", "traffic"],
        typer.Option(help="Items that stand for the whole range, or those that expect most traffic."),
    ] = "range",
    target: Annotated[
        Path | None, typer.Option("--out", dir_okay=False, help="CSV file; into the reports when absent.")
    ] = None,
    encoder_version: EncoderVersionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the items to show or to label next, and say why.

    Best are those whose texts stand for much of the expected traffic that nothing known stands for yet:
    show them in a place of their own, photograph them, or have their categories checked first.
    Where a part of the catalog has events and the rest is new, `--by traffic` found out more.

    Example: recsys label choose --num 50
    """
    from jobs.label import run_choose

    runtime = runtime_of(workspace, database_url)
    show("choose", run_choose(runtime, num, by, target, encoder_version), as_json)


def register(parent: typer.Typer) -> None:
    """Add these commands."""
    parent.add_typer(app, name="label")
