"""`recsys loop`: what the feedback loop decides, has done, and is asked to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from jobs.charts.option import PlotOption, plot
from jobs.console import out, show
from jobs.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    runtime_of,
)

loop = typer.Typer(no_args_is_help=True, help="Keep a live shop fresh: decisions, runs, pause.")
KindArgument = Annotated[
    str | None,
    typer.Argument(
        help="embed, fit, fine_tune, evaluate or rollback; what is due when absent.",
        autocompletion=lambda: ["embed", "fit", "fine_tune", "evaluate", "rollback"],
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", exists=True, dir_okay=False, help="Settings of the loop as JSON."),
]


@loop.command()
def status(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is due now and what every other kind waits for; nothing is run.

    Example: recsys loop status
    """
    from jobs.loop import loop_of, status_of

    found = status_of(loop_of(runtime_of(workspace, database_url), config))
    show("feedback loop", found, as_json)


@loop.command()
def history(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Newest runs.")] = 20,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Runs with their reasons and results, the newest first.

    Example: recsys loop history -n 5
    Example: recsys loop history -n 500 --plot decisions.html
    """
    from jobs.charts.found import run_charts
    from jobs.loop import history_of, history_table, loop_of

    runs = history_of(loop_of(runtime_of(workspace, database_url), None), limit)
    plot(run_charts(runs), plot_file)
    if as_json:
        for row in runs:
            show("run", row, as_json)
        return
    out.print(history_table(runs))


@loop.command()
def run(
    kind: KindArgument = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")] = False,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a kind now, or what is due; where a loop turns already it is asked to.

    Example: recsys loop run fit
    """
    from jobs.loop import loop_of, run_now

    made: Any = loop_of(runtime_of(workspace, database_url, address), config)
    show("feedback loop", run_now(made, kind, dry_run=dry_run), as_json)


@loop.command()
def pause(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide nothing by itself until `resume`; requests of people are still answered.

    Example: recsys loop pause
    """
    from jobs.loop import loop_of

    loop_of(runtime_of(workspace, database_url), None).store.set_state("paused", True)
    show("feedback loop", {"paused": True}, as_json)


@loop.command()
def resume(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide again.

    Example: recsys loop resume
    """
    from jobs.loop import loop_of

    loop_of(runtime_of(workspace, database_url), None).store.set_state("paused", False)
    show("feedback loop", {"paused": False}, as_json)


@loop.command()
def start(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    config: ConfigOption = None,
) -> None:
    """Turn in the foreground until Ctrl-C. `recsys serve` has a loop of its own unless told otherwise.

    Example: recsys loop start --config loop.json
    """
    from jobs.loop import loop_of, turn_until_stopped

    turn_until_stopped(loop_of(runtime_of(workspace, database_url, address), config))


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(loop, name="loop")
