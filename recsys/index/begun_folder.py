"""The folder in which a version is begun, held by its writer: whatever nobody holds is rubbish."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from recsys.index.manifest import MANIFEST

BUILDING = ".building-"
PATIENCE_S = 86_400.0
"""Age of a version's folder without a manifest from which it is rubbish: a restore may be copying it."""


@dataclass
class BegunFolder:
    """A new folder below the folder of versions, locked as long as its writer lives.

    The lock belongs to the folder, not to its name: it holds on after the rename into a version, until
    the manifest is there.
    """

    path: Path
    _descriptor: int

    @classmethod
    def create(cls, index: Path) -> BegunFolder:
        """A new folder; what killed writers left behind is removed first."""
        index.mkdir(parents=True, exist_ok=True)
        with _held(index):  # nobody takes a folder for rubbish between its making and its lock
            remove_left_over(index)
            path = index / f"{BUILDING}{uuid4().hex}"
            path.mkdir()
            descriptor = os.open(path, os.O_RDONLY)
            _lock(descriptor)
        return cls(path, descriptor)

    def close(self) -> None:
        """Let go; the folder is removed where it did not become a version."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._descriptor)


def remove_left_over(index: Path) -> list[str]:
    """Remove what writers that were killed had begun, and removals had not ended; names of the folders."""
    removed = []
    for folder in sorted(path for path in index.iterdir() if path.is_dir()):
        with suppress(FileNotFoundError):  # whoever publishes removes old versions at the same time
            if not (folder / MANIFEST).is_file() and _is_forgotten(folder) and _is_free(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder.name)
    return removed


def _is_forgotten(folder: Path) -> bool:
    return folder.name.startswith(BUILDING) or time.time() - folder.stat().st_mtime > PATIENCE_S


def _is_free(folder: Path) -> bool:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Looked at again under the lock: its writer may have finished it meanwhile.
        return _lock(descriptor) and not (folder / MANIFEST).is_file()
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Whether the lock was had at once; not on a file system without locks, where nothing is removed."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Alone in a folder; a file system without locks lets everybody in."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
