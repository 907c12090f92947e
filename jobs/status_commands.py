"""`recsys status`: what a workspace holds, and what comes next."""

from __future__ import annotations

import typer

from jobs.charts.option import PlotOption, plot
from jobs.console import show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)


def status(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    plot_file: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """What is in the workspace: items, events, index versions, users left out as machines.

    With --plot the long tail: how events fall on items.

    Example: recsys status
    Example: recsys status --plot tail.html
    """
    from cluster.database import open_database
    from cluster.event_store import EventStore
    from cluster.item_store import ItemStore
    from cluster.screening import screen_store
    from jobs.charts.found import tail_charts
    from jobs.next_step import Holdings, holdings_of, is_workspace, next_step
    from jobs.publish_index import versions_table
    from recsys.robustness import load_robustness
    from recsys.workspace import Workspace

    if not is_workspace(workspace, database_url):  # a mistyped folder is not made by a look at it
        nothing = {"items": 0, "events": 0, "left_out": {}, "index_versions": {}}
        show("status", {**nothing, "next": next_step(Holdings(), workspace)}, as_json)
        return
    runtime = runtime_of(workspace, database_url)
    engine = open_database(database_url_of(runtime))
    events, place = EventStore(engine), Workspace(runtime.workspace)
    items = ItemStore(engine).count()
    left_out = screen_store(events, load_robustness(place).screening).as_rows()
    rows = {"items": items, "events": events.count(), "left_out": left_out}
    step = next_step(holdings_of(runtime.workspace, database_url), workspace)
    show("status", {**rows, "index_versions": versions_table(place), "next": step}, as_json)
    if plot_file:
        counts: dict[str, int] = {}
        for item_id, _, _, count in events.popularity_since(0).rows:
            counts[item_id] = counts.get(item_id, 0) + count
        plot(tail_charts(counts, items), plot_file)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(status)
