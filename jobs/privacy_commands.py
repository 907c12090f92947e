"""`recsys erase | export-user | replay-erasures | retention | init | pseudonym`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from cluster.database import open_database
from cluster.erasure import Eraser
from cluster.event_store import EventStore
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
from recsys.privacy.secret import begin_pseudonyms, names_of
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
PERSONAL = frozenset(("erase", "export-user", "pseudonym"))
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
    runtime = runtime_of(workspace, database_url)
    key = key_of(_said(user_id), kind, names_of(Workspace(runtime.workspace)))
    counts = eraser_of(runtime).erase(key, rebuild=rebuild)
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
    found = PersonExport(place, engine, serving).of(key_of(_said(user_id), kind, names_of(place)))
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


def init(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    pseudonymous: Annotated[
        bool, typer.Option("--pseudonymous", help="Keep people under keyed hashes of their ids.")
    ] = False,
    secret_file: Annotated[
        Path | None,
        typer.Option(dir_okay=False, help="The secret's file, outside of the workspace; made where absent."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a workspace, and decide under which names it keeps people.

    The secret is RECSYS_PSEUDONYM_SECRET, or a file of its own. Running it again changes nothing.

    Example: recsys init --pseudonymous --secret-file ~/.recsys/shop.secret
    """
    runtime = runtime_of(workspace, database_url)
    place, store = Workspace(runtime.workspace), EventStore(open_database(database_url_of(runtime)))
    rows: dict[str, object] = {"workspace": place.root, "pseudonymous": pseudonymous}
    if pseudonymous:
        if load_privacy(place).pseudonyms is None and store.count():
            raise InputError(
                "the workspace holds events under plain ids", expected="an empty one", where=str(place.root)
            )
        if secret_file is not None and secret_file.resolve().is_relative_to(place.root):
            raise InputError("the secret would lie in the workspace and its backups", where=str(secret_file))
        rows["secret_id"] = begin_pseudonyms(place, secret_file).secret_id
    show("init", rows, as_json)


def pseudonym(
    user_id: UserArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    kind: KindOption = "user",
) -> None:
    """Print what a person is kept as, for robustness.json or a look into the database.

    Example: recsys pseudonym shopper-0156
    """
    place = Workspace(runtime_of(workspace, None).workspace)
    sys.stdout.write(key_of(_said(user_id), kind, names_of(place)) + "\n")


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
    app.command()(init)
    app.command()(pseudonym)
