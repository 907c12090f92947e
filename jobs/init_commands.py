"""`recsys init`: a workspace, and the names under which it keeps people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.console import show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.errors import InputError


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
    from cluster.database import open_database
    from cluster.event_store import EventStore
    from recsys.privacy.secret import begin_pseudonyms
    from recsys.privacy.settings import load_privacy
    from recsys.workspace import Workspace

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


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(init)
