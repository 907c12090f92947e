"""Where the replicas of one port of one machine count for each other."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from recsys.config import ServeConfig
from recsys.errors import StoreError
from recsys.workspace import Workspace

MEMORY = Path("/dev/shm")


def shared_folder(workspace: Workspace, config: ServeConfig, what: str) -> Path:
    """The folder for one thing that is counted together: connections, metrics, rates.

    It lies in memory, or among temporary files, and never in the workspace: replicas map these files, and
    a write to a mapped page of a volume that is full kills the process (D6). Raises `StoreError` where
    somebody else has taken its name.
    """
    return _of_port(workspace, config) / what


def usage_folder(workspace: Workspace, database: str) -> Path:
    """The folder where this machine counts the use of a database's keys, whatever port it came through.

    It is not forgotten with the other counts: what a service that was killed has not told the database
    yet is told by the next one. Raises `StoreError` as `shared_folder` does.
    """
    keys = hashlib.sha256(database.encode()).hexdigest()[:16]
    return _own_folder() / f"{_served(workspace)}-{keys}-usage"


def forget_counts(workspace: Workspace, config: ServeConfig) -> None:
    """Remove what the replicas of a service that has ended have counted."""
    shutil.rmtree(_of_port(workspace, config), ignore_errors=True)


def _of_port(workspace: Workspace, config: ServeConfig) -> Path:
    return _own_folder() / f"{_served(workspace)}-{config.port}"


def _served(workspace: Workspace) -> str:
    return hashlib.sha256(os.fsencode(workspace.root.absolute())).hexdigest()[:16]


def _own_folder() -> Path:
    """A folder of this user alone, in a place where everybody may make one."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    folder = place / f"recsys-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid != os.getuid():
        raise StoreError(
            "the folder of shared counts is not this user's",
            expected=f"a folder of user {os.getuid()}",
            found=f"one of user {found.st_uid}",
            where=str(folder),
        )
    return folder
