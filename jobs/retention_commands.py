"""`recsys retention`: what is older than the shop's windows goes for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from jobs.console import show, waiting
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    RebuildOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.errors import InputError

if TYPE_CHECKING:
    from recsys.privacy.settings import RetentionConfig
    from recsys.workspace import Workspace


def retention(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    events: Annotated[
        str | None, typer.Option(metavar="TIME", help="Keep events for so long, such as 400d, 36h or 8w.")
    ] = None,
    answers: Annotated[
        str | None, typer.Option(metavar="TIME", help="Keep answered lists for so long.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and remove nothing.")] = False,
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Remove for good what is older than a window; by default the windows of privacy.json.

    `recsys serve` applies those of privacy.json once a day, by its feedback loop.

    Example: recsys retention --events 400d --answers 90d --dry-run
    """
    from cluster.database import open_database
    from cluster.retention import Retention
    from cluster.serving_database import open_serving_database, serving_url
    from recsys.workspace import Workspace

    runtime = runtime_of(workspace, database_url)
    place = Workspace(runtime.workspace)
    windows = _windows(place, events, answers)
    serving = open_serving_database(serving_url(place, runtime.database_url))
    keeper = Retention(place, open_database(database_url_of(runtime)), serving)
    with waiting("retention", as_json):
        counts = keeper.look(windows) if dry_run else keeper.apply(windows, rebuild=rebuild)
    rows = {"windows_days": windows.model_dump(exclude_none=True), "dry_run": dry_run, **counts.as_rows()}
    show("retention", rows, as_json)


def _windows(workspace: Workspace, events: str | None, answers: str | None) -> RetentionConfig:
    from recsys.privacy.durations import days_of
    from recsys.privacy.settings import RetentionConfig, load_privacy

    if events or answers:
        asked = {"event_days": events and days_of(events), "answer_days": answers and days_of(answers)}
        return RetentionConfig.model_validate(asked)
    if windows := load_privacy(workspace).retention:
        return windows
    raise InputError(
        "no window is given",
        expected='--events or --answers, or {"retention": {"event_days": 400}} in privacy.json',
        where=str(workspace.privacy_settings),
    )


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(retention)
