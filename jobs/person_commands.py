"""`recsys erase | export-user | replay-erasures | pseudonym`: what is done about one person."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from jobs.console import show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    RebuildOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)

UserArgument = Annotated[
    str,
    typer.Argument(metavar="USER_ID", help="The person; `-` reads the id from stdin."),
]
KindOption = Annotated[
    Literal["user", "visitor"],
    typer.Option(help="user: with the visitors who turned out to be this user; visitor: one alone."),
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
    from cluster.person_export import key_of
    from jobs.eraser import eraser_of
    from recsys.privacy.secret import names_of
    from recsys.workspace import Workspace

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
    from cluster.database import open_database
    from cluster.person_export import PersonExport, key_of
    from cluster.serving_database import open_serving_database, serving_url
    from recsys.privacy.secret import names_of
    from recsys.workspace import Workspace, replace_file

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

    Example: recsys replay-erasures --from newest/privacy
    """
    from jobs.eraser import eraser_of

    counts = eraser_of(runtime_of(workspace, database_url)).replay(ledger, rebuild=rebuild)
    show("replay-erasures", counts.as_rows(), as_json)


def pseudonym(
    user_id: UserArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    kind: KindOption = "user",
) -> None:
    """Print what a person is kept as, for robustness.json or a look into the database.

    Example: recsys pseudonym shopper-0156
    """
    from cluster.person_export import key_of
    from recsys.privacy.secret import names_of
    from recsys.workspace import Workspace

    place = Workspace(runtime_of(workspace, None).workspace)
    sys.stdout.write(key_of(_said(user_id), kind, names_of(place)) + "\n")


def _said(user_id: str) -> str:
    return sys.stdin.readline().strip() if user_id == "-" else user_id


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(erase)
    app.command("export-user")(export_user)
    app.command("replay-erasures")(replay_erasures)
    app.command()(pseudonym)
