"""Putting a backup back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url

from cluster.backup.databases import SERVING_FILE, SHOP_FILE
from cluster.backup.files import PREFIX
from cluster.backup.server import restore_server
from cluster.backup.sources import unpacked
from cluster.database import open_database
from cluster.erasure import Eraser
from cluster.erasure_counts import ErasureCounts
from cluster.event_check import EventCheck, check_events
from cluster.serving_database import open_serving_database, serving_url
from recsys.backup_manifest import BackupManifest
from recsys.erasure_ledger import ErasureLedger
from recsys.errors import BackupError, ConfigError
from recsys.workspace import Workspace, sync_folder


@dataclass(frozen=True)
class Restored:
    """What was put back."""

    manifest: BackupManifest
    check: EventCheck
    """The restored event log, read whole before anybody was erased again."""
    erased: ErasureCounts
    """What went again, of people whom the ledgers know to have been erased."""
    set_aside: tuple[Path, ...]
    """What stood there before and was moved, with `force`."""


def restore(
    source: Path,
    workspace: Workspace,
    database_url: str,
    *,
    force: bool = False,
    ledger: Path | None = None,
) -> Restored:
    """Verify a backup whole, then put it at a new place; databases of an older release are brought up.

    Whoever was erased is erased again: by the backup's own ledger, by `ledger` (a newer folder `privacy`),
    and by that of a workspace that is moved aside. Without `force` raises `ConfigError` when anything is
    there; with it a workspace and SQLite files are moved aside, and a server's tables of ours are dropped.
    Raises `BackupError` for a damaged or foreign backup, before anything was touched.
    """
    kind = make_url(database_url).get_backend_name()
    outside = _outside(workspace, make_url(database_url).database) if kind == "sqlite" else None
    taken = [path for path in (workspace.root, outside) if path is not None and _is_taken(path)]
    if taken and not force:
        wanted = "an empty place, or --force"
        raise ConfigError("a restore overwrites nothing", expected=wanted, found=str(taken[0]))
    if ledger is not None and not _is_ledger(ledger):
        raise ConfigError("this is no ledger of erasures", expected="a folder `privacy`", found=str(ledger))
    with unpacked(source, workspace.root) as (staged, manifest):
        if manifest.database != kind:
            raise BackupError("the backup is of another database", expected=kind, found=manifest.database)
        if kind != "sqlite":
            restore_server(database_url, staged, manifest, force=force)
        moved = tuple(_move_aside(path) for path in taken)
        _put(staged, workspace, outside)
    ledgers = (*(Workspace(path).privacy for path in moved), *([ledger] if ledger else []))
    check, erased = _opened(workspace, database_url, kind, [one for one in ledgers if _is_ledger(one)])
    return Restored(manifest, check, erased, moved)


def _outside(workspace: Workspace, name: str | None) -> Path | None:
    """A SQLite file that is not the workspace's own."""
    path = Path(name or "")
    return None if path.resolve() == workspace.database.resolve() else path


def _is_ledger(folder: Path) -> bool:
    return ErasureLedger(folder).file.is_file()


def _is_taken(path: Path) -> bool:
    return any(path.iterdir()) if path.is_dir() else path.exists()


def _move_aside(path: Path) -> Path:
    """With the logs that belong to a file."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    aside = path.with_name(f"{path.name}.before-restore-{now}")
    if path.is_file():
        for ending in ("-wal", "-shm"):
            beside = path.with_name(path.name + ending)
            if beside.exists():
                os.replace(beside, aside.with_name(aside.name + ending))
    os.replace(path, aside)
    return aside


def _put(staged: Path, workspace: Workspace, outside: Path | None) -> None:
    """The files of the workspace as one rename, its databases within."""
    made = staged / PREFIX
    made.mkdir(exist_ok=True)
    target = made / workspace.database.name if outside is None else outside
    for name, path in ((SHOP_FILE, target), (SERVING_FILE, made / workspace.serving_database.name)):
        if (staged / name).is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged / name, path)
    if workspace.root.is_dir():
        workspace.root.rmdir()  # empty, or moved aside
    os.replace(made, workspace.root)
    sync_folder(workspace.root.parent)


def _opened(
    workspace: Workspace, database_url: str, kind: str, ledgers: Sequence[Path]
) -> tuple[EventCheck, ErasureCounts]:
    """Brought up, read whole, and without the people who were erased."""
    serving = open_serving_database(serving_url(workspace, None if kind == "sqlite" else database_url))
    engine = open_database(database_url)
    try:
        check = check_events(engine)
        for ledger in ledgers:
            ErasureLedger(workspace.privacy).merge(ledger)
        return check, Eraser(workspace, engine, serving).replay()
    finally:
        engine.dispose()
        serving.dispose()
