"""`recsys experiments list | results`: what runs, and what it has shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from jobs.charts.option import PlotOption, plot
from jobs.console import out, show
from jobs.options import DEFAULT_WORKSPACE, DatabaseOption, JsonOption, WorkspaceOption, runtime_of

if TYPE_CHECKING:
    from recsys.experiments.result import Interval

experiments = typer.Typer(no_args_is_help=True, help="A/B tests: what runs, and what it has shown.")


@experiments.command("list")
def list_experiments(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every experiment with its arms and its state; they are made over HTTP (`PUT /v1/experiments/{id}`).

    Example: recsys experiments list
    """
    from jobs.experiments import experiments_of

    found = experiments_of(runtime_of(workspace, database_url))
    if as_json:
        for one in found:
            show("experiment", one.model_dump(mode="json"), as_json)
        return
    table = Table("experiment", "mode", "state", "scenarios", "arms", "primary")
    for one in found:
        arms = ", ".join(f"{arm.name} {arm.share:.0%}" for arm in one.arms)
        where = ", ".join(one.scenarios or ()) or "all"
        table.add_row(one.experiment_id, one.mode, one.state.value, where, arms, one.primary.value)
    out.print(
        table if found else "no experiment yet; PUT /v1/experiments/NAME makes one (docs/experiments.md)"
    )


@experiments.command()
def results(
    experiment: Annotated[str, typer.Argument(help="Its id, as `recsys experiments list` shows it.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """An experiment as it stands; `daily looks` bears being read every day, `one look` does not.

    Example: recsys experiments results varied-home
    Example: recsys experiments results varied-home --plot varied-home.html
    """
    from jobs.charts.found import experiment_charts
    from jobs.experiments import results_of

    found = results_of(runtime_of(workspace, database_url), experiment)
    plot(experiment_charts(found), plot_file)
    body = found.model_dump(mode="json")
    if as_json:
        show("experiment", body, as_json)
        return
    out.print(f"{found.verdict.words}: {found.verdict.why}", markup=False)
    out.print(_arms(body))
    comparisons = getattr(found, "comparisons", ())
    if comparisons:
        table = Table(
            "arm", "measure", "value", "control", "lift", "one look [95 %]", "daily looks", "p, daily"
        )
        for one in comparisons:
            table.add_row(
                one.arm, one.measure.value, f"{one.value:.4f}", f"{one.control_value:.4f}",
                "-" if one.lift is None else f"{one.lift:+.1%}", _range(one.lift_interval),
                _range(one.sequential_interval),
                "-" if one.sequential_p_value is None else f"{one.sequential_p_value:.3g}",
            )  # fmt: skip
        out.print(table)


def _arms(body: dict[str, Any]) -> Table:
    """Shoppers, lists and actions by arm; of interleaved lists who won."""
    if body["mode"] == "interleave":
        table = Table("arm", "lists won", "shoppers won")
        for row in zip(body["arms"], body["lists_won"], body["units_won"], strict=True):
            table.add_row(*map(str, row))
        return table
    table = Table("arm", "share", "shoppers", "lists", "clicks", "purchases")
    for arm in body["arms"]:
        counts = (f"{arm[name]:,}" for name in ("units", "lists", "clicks", "purchases"))
        table.add_row(arm["name"], f"{arm['share']:.0%}", *counts)
    return table


def _range(found: Interval | None) -> str:
    if found is None:
        return "-"
    low, high = ("…" if end is None else f"{end:+.1%}" for end in (found.low, found.high))
    return f"{low} to {high}"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(experiments, name="experiments")
