"""`recsys backup | restore`: a shop copied while it runs, and put back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.console import out as console
from jobs.console import show, waiting
from jobs.options import DEFAULT_WORKSPACE, DatabaseOption, JsonOption, WorkspaceOption, database_url_of
from recsys.config import RuntimeConfig
from recsys.workspace import Workspace

if TYPE_CHECKING:
    from recsys.backup_manifest import BackupManifest

BAD = 1


def backup(
    out: Annotated[Path, typer.Option("--out", help="New folder, or a .tar, .tar.gz or .tgz.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy events, items, decisions, models and index versions as of one moment; the service may run.

    Example: recsys backup --out backups/monday.tar
    """
    from cluster.backup import back_up

    runtime = RuntimeConfig(workspace=workspace, database_url=database_url)
    with waiting("backup", as_json):
        made = back_up(Workspace(runtime.workspace), database_url_of(runtime), out)
    show(
        "backup",
        {
            "written": str(made.out),
            "files": len(made.manifest.files),
            "bytes": made.num_bytes,
            **_cut_rows(made.manifest),
            "events_acked_since": made.acked_since,
            "seconds_since_the_cut": round(made.seconds_since, 2),
        },
        as_json,
    )


def restore(
    source: Annotated[Path, typer.Argument(help="A backup: its folder or archive.")],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Move what is there aside; drop our tables of a server.")
    ] = False,
    ledger: Annotated[
        Path | None,
        typer.Option("--ledger", exists=True, file_okay=False, help="Newest folder `privacy` of the shop."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify every file of a backup, then put it at an empty place; an older release's is brought up.

    People erased before the backup stay erased. Of those erased since, a newer ledger knows: name it.

    Example: recsys restore backups/monday.tar --workspace restored
    """
    from cluster.backup import restore as put_back

    runtime = RuntimeConfig(workspace=workspace, database_url=database_url)
    place = Workspace(runtime.workspace)
    with waiting("restore", as_json):
        made = put_back(source, place, database_url_of(runtime), force=force, ledger=ledger)
    rows: dict[str, Any] = {
        "restored": str(workspace),
        **_cut_rows(made.manifest),
        "whole_events": made.check.whole,
        "faults": made.check.faults,
        "people_erased_again": made.erased.people,
        "events_erased_again": made.erased.events,
        "moved_aside": [str(path) for path in made.set_aside] or "nothing",
    }
    show("restore", rows, as_json)
    if not as_json:
        console.print(
            f"erased since the backup? recsys replay-erasures --workspace {workspace} --from LEDGER"
        )
    if made.check.faults or made.check.whole != made.manifest.cut.num_events:
        raise typer.Exit(BAD)


def _cut_rows(manifest: BackupManifest) -> dict[str, Any]:
    cut = manifest.cut
    newest = cut.newest_received_at_us
    return {
        "index_version": manifest.index_version,
        "events": cut.num_events,
        "last_event_number": cut.last_seq,
        "newest_event_received_at": None if newest is None else _time(newest),
        "cut_at": _time(cut.taken_at_us),
    }


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (backup, restore):
        app.command()(command)
