"""`recsys artifacts`: a workspace in an object store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from jobs.console import err, show, waiting
from jobs.options import DEFAULT_WORKSPACE, JsonOption, WorkspaceOption
from recsys.errors import IndexMissingError, StoreError

if TYPE_CHECKING:
    from cluster.artifact_mirror import ArtifactMirror, Copied

artifacts = typer.Typer(no_args_is_help=True, help="Keep index versions and encoders in S3, GCS or Azure.")
UriArgument = Annotated[
    str, typer.Argument(envvar="RECSYS_ARTIFACTS", help="Such as s3://bucket/shop?region=eu-central-1.")
]


@artifacts.command()
def push(
    uri: UriArgument, workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False
) -> None:
    """Make the store hold what the workspace holds; what is there already is not sent again.

    Example: recsys artifacts push s3://bucket/shop
    """
    with waiting("push", as_json):
        copied = _mirror(workspace, uri).push()
    show("pushed", _row(copied), as_json)


@artifacts.command()
def pull(
    uri: UriArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    vectors: Annotated[bool, typer.Option(help="Also vectors by text, which `recsys embed` reuses.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Fetch what the store publishes, each file checked against its version's manifest.

    Example: recsys artifacts pull s3://bucket/shop
    """
    with waiting("pull", as_json):
        copied = _mirror(workspace, uri).pull(vectors=vectors)
    show("pulled", _row(copied), as_json)


@artifacts.command()
def follow(
    uri: UriArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2.0,
    sending: Annotated[bool, typer.Option("--push", help="Send instead of fetch: beside the jobs.")] = False,
) -> None:
    """Pull (or push) for ever: beside `recsys serve` on each machine, with --push beside the jobs.

    Example: recsys artifacts follow s3://bucket/shop --push
    """
    mirror = _mirror(workspace, uri)
    while True:
        try:
            copied = mirror.push() if sending else mirror.pull()
        except (StoreError, IndexMissingError) as error:
            err.print(f"[yellow]tried again in {every:g} s:[/yellow] {escape(str(error))}")
        else:
            if copied.files or copied.removed:
                show("pushed" if sending else "pulled", _row(copied), as_json=True)
        time.sleep(every)


def _mirror(workspace: Path, uri: str) -> ArtifactMirror:
    from cluster.artifact_mirror import ArtifactMirror
    from cluster.artifact_store import ArtifactStore
    from recsys.workspace import Workspace

    return ArtifactMirror(Workspace(workspace).create(), ArtifactStore.open(uri))


def _row(copied: Copied) -> dict[str, int]:
    return {"files": copied.files, "bytes": copied.bytes, "removed": copied.removed}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(artifacts, name="artifacts")
