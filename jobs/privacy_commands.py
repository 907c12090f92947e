"""`recsys erase | export-user | replay-erasures | retention`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cluster.database import open_database
from cluster.erasure import Eraser
from cluster.person_export import PersonExport, key_of
from cluster.retention import Retention
from cluster.serving_database import open_serving_database, serving_url
from jobs.console import show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.config import RuntimeConfig
from recsys.errors import InputError
from recsys.privacy.durations import days_of
from recsys.privacy.settings import RetentionConfig, load_privacy
from recsys.workspace import Workspace, replace_file

UserArgument = Annotated[
    str,
    typer.Argument(metavar="USER_ID", help="The person; `-` reads the id from stdin."),
]
KindOption = Annotated[
    Literal["user", "visitor"],
    typer.Option(help="user: with the visitors who turned out to be this user; visitor: one alone."),
]
RebuildOption = Annotated[
    bool, typer.Option("--rebuild", help="Write SQLite files anew in any case; writers wait for it.")
]
PERSONAL = frozenset(("erase", "export-user"))
"""Commands whose arguments name a person: they must not stand in a cluster's list of jobs."""


def erase(
    user_id: UserArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    kind: KindOption = "user",
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Forget a person everywhere; late and repeated events of theirs stay out.

    Models forget with the next `recsys fit`. Running it again finds nothing.

    Example: recsys erase shopper-0156
    """
    key, eraser = key_of(_said(user_id), kind), eraser_of(runtime_of(workspace, database_url))
    counts = eraser.erase(key, rebuild=rebuild)
    show("erase", counts.as_rows(), as_json)


def export_user(
    user_id: UserArgument,
    out: Annotated[Path, typer.Option("--out", dir_okay=False, help="File to write; JSON.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    kind: KindOption = "user",
    as_json: JsonOption = False,
) -> None:
    """Write every record of one person, and of nobody else, into a file that its owner alone may read.

    Example: recsys export-user shopper-0156 --out shopper-0156.json
    """
    runtime = runtime_of(workspace, database_url)
    place, engine = Workspace(runtime.workspace), open_database(database_url_of(runtime))
    serving = open_serving_database(serving_url(place, runtime.database_url))
    found = PersonExport(place, engine, serving).of(key_of(_said(user_id), kind))
    replace_file(out, json.dumps(found, ensure_ascii=False, indent=1).encode())
    counts = {name: len(part) for name, part in found.items() if isinstance(part, list)}
    show("export-user", {**counts, "file": out}, as_json)


def replay_erasures(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    ledger: Annotated[
        Path | None,
        typer.Option("--from", exists=True, file_okay=False, help="A newer copy of the folder `privacy`."),
    ] = None,
    rebuild: RebuildOption = False,
    as_json: JsonOption = False,
) -> None:
    """Erase again whoever was erased after a backup was made that has been put back.

    `recsys serve` does so by itself where the ledger knows of more than the database.

    Example: recsys replay-erasures --from /mnt/newest/privacy
    """
    counts = eraser_of(runtime_of(workspace, database_url)).replay(ledger, rebuild=rebuild)
    show("replay-erasures", counts.as_rows(), as_json)


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
    runtime = runtime_of(workspace, database_url)
    place = Workspace(runtime.workspace)
    windows = _windows(place, events, answers)
    serving = open_serving_database(serving_url(place, runtime.database_url))
    keeper = Retention(place, open_database(database_url_of(runtime)), serving)
    counts = keeper.look(windows) if dry_run else keeper.apply(windows, rebuild=rebuild)
    rows = {"windows_days": windows.model_dump(exclude_none=True), "dry_run": dry_run, **counts.as_rows()}
    show("retention", rows, as_json)


def _windows(workspace: Workspace, events: str | None, answers: str | None) -> RetentionConfig:
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


def eraser_of(runtime: RuntimeConfig) -> Eraser:
    """The eraser of a shop."""
    workspace = Workspace(runtime.workspace)
    serving = open_serving_database(serving_url(workspace, runtime.database_url))
    return Eraser(workspace, open_database(database_url_of(runtime)), serving)


def _said(user_id: str) -> str:
    return sys.stdin.readline().strip() if user_id == "-" else user_id


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(erase)
    app.command("export-user")(export_user)
    app.command("replay-erasures")(replay_erasures)
    app.command()(retention)
