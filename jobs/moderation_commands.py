"""`recsys moderate` and `recsys fairness`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from jobs.charts.option import PlotOption, plot
from jobs.console import out, progress, show
from jobs.options import DEFAULT_WORKSPACE, DatabaseOption, JsonOption, WorkspaceOption, runtime_of
from recsys.moderation.classifier import Thresholds

moderate = typer.Typer(no_args_is_help=True, help="Find doubtful items, and decide about them.")
DEFAULTS = Thresholds()
ItemArgument = Annotated[str, typer.Argument(help="Item under review.")]
ActorOption = Annotated[str, typer.Option("--by", help="Who decides; for the audit log.")]
NoteOption = Annotated[str, typer.Option(help="Why.")]


@moderate.command()
def scan(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    hold: Annotated[float, typer.Option(min=0, max=1, help="From here on not shown.")] = DEFAULTS.hold,
    review: Annotated[float, typer.Option(min=0, max=1, help="From here on looked at.")] = DEFAULTS.review,
    as_json: JsonOption = False,
) -> None:
    """Judge the texts of items that nobody has judged yet, by words and by what reviews have taught.

    Example: recsys moderate scan
    """
    from jobs.moderation import scan as run

    runtime = runtime_of(workspace, database_url)
    with progress("judge", "items", as_json) as advance:
        found = run(runtime, Thresholds(hold=hold, review=review), advance)
    show("moderation", found, as_json)


@moderate.command()
def queue(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Reviews.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """Items that wait for somebody, the surest doubts first.

    Example: recsys moderate queue -n 20
    """
    from jobs.moderation import queue as waiting

    found = waiting(runtime_of(workspace, database_url), limit)
    if as_json:
        for item_id, one in found:
            show("review", {"item_id": item_id, **one.model_dump(mode="json", exclude={"item_id"})}, as_json)
        return
    table = Table("item", "state", "policy", "score", "because of")
    for item_id, one in found:
        table.add_row(item_id, one.state.value, one.label, f"{one.score:.2f}", ", ".join(one.evidence))
    out.print(table if found else "nothing waits")


@moderate.command()
def approve(
    item: ItemArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    by: ActorOption = "command line",
    note: NoteOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show an item; a service that runs follows within a second.

    Example: recsys moderate approve item-00017 --by anna --note "no weapon"
    """
    from jobs.moderation import decide

    decided = decide(runtime_of(workspace, database_url), item, True, by, note)
    show("review", {"item_id": item, "state": decided.state.value}, as_json)


@moderate.command()
def reject(
    item: ItemArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    by: ActorOption = "command line",
    note: NoteOption = "",
    as_json: JsonOption = False,
) -> None:
    """Never show an item, until its text changes and somebody looks again.

    Example: recsys moderate reject item-00017 --by anna
    """
    from jobs.moderation import decide

    decided = decide(runtime_of(workspace, database_url), item, False, by, note)
    show("review", {"item_id": item, "state": decided.state.value}, as_json)


@moderate.command()
def train(
    label: Annotated[str, typer.Argument(help="Name of the policy that rejected items broke.")] = "policy",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn from decided reviews; `scan` uses the model from then on.

    Example: recsys moderate train weapons
    """
    from jobs.moderation import train as learn

    show("policy model", learn(runtime_of(workspace, database_url), label), as_json)


def fairness(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    hours: Annotated[float, typer.Option(min=0.01, help="Lists of so many hours.")] = 24.0,
    least: Annotated[float, typer.Option(min=0, max=1, help="Share of its share a group must get.")] = 0.8,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who gets shown: exposure of brands, sellers, price bands, head and tail, beside catalog and demand.

    Example: recsys fairness --hours 24
    Example: recsys fairness --plot exposure.html
    """
    from jobs.charts.found import fairness_charts
    from jobs.moderation import fairness as measure

    found = measure(runtime_of(workspace, database_url), hours, least)
    plot(fairness_charts(found), plot_file)
    if as_json:
        show("fairness", found.model_dump(mode="json"), as_json)
        return
    table = Table("by", "group", "items", "exposure", "catalog", "demand", "of its share [95 %]", "")
    for one in found.groups:
        ratio = f"{one.against_catalog:.2f} [{one.interval[0]:.2f}, {one.interval[1]:.2f}]"
        shares = [f"{share:.1%}" for share in (one.exposure, one.catalog, one.demand)]
        table.add_row(
            one.dimension, one.group, f"{one.items:,}", *shares, ratio, "low" if one.flagged else ""
        )
    out.print(table)
    out.print(f"{found.lists:,} lists, {found.shown_items:,} of {found.items:,} items, Gini {found.gini:.2f}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(moderate, name="moderate")
    app.command()(fairness)
