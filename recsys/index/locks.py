"""Who may move the pointer or build now, across processes; a lock ends with its holder's process."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recsys.index.manifest import MANIFEST, VERSION_NAME
from recsys.workspace import Workspace

BUILDING = ".building-"
LOCK = ".lock"


@contextmanager
def index_lock(workspace: Workspace) -> Iterator[None]:
    """One process at a time changes which folders and pointers the index has; others wait."""
    workspace.index.mkdir(parents=True, exist_ok=True)
    with (workspace.index / LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def claim_folder(folder: Path) -> int | None:
    """Mark `folder` as in use until the descriptor is closed; None when someone else uses it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def clear_abandoned(workspace: Workspace) -> list[str]:
    """Remove what killed builds and removals left; call it under `index_lock`. Names removed."""
    removed = []
    for folder in sorted(workspace.index.iterdir()):
        ours = folder.name.startswith(BUILDING) or VERSION_NAME.fullmatch(folder.name)
        if not ours or not folder.is_dir() or (folder / MANIFEST).exists():
            continue
        if (descriptor := claim_folder(folder)) is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
            removed.append(folder.name)
    return removed
