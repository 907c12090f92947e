"""S15: SIGKILL at every step of building and publishing a version."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from cluster.confirmed_publish import publish_confirmed
from cluster.replica_board import ReplicaBoard
from cluster.serving_database import open_serving_database
from recsys.errors import RecsysError
from recsys.index import current_version, list_versions
from recsys.index.versions import verify
from recsys.workspace import Workspace
from tests.chaos.outcome import Outcome, Place
from tests.chaos.small_version import small_version

MOST_STEPS = 2_000
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = {
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.truncate",
    "os.link",
    "os.chmod",
    "chaos.fsync",
}


def run(place: Place, outcome: Outcome) -> None:
    """For every n: a process that is killed at its n-th step on the disk; then look, and publish again."""
    workspace = Workspace(place.folder / "shop").create()
    _in_process(workspace, 0, 0)
    kills = torn = unusable = 0
    for step in range(1, MOST_STEPS, place.times(1, 5)):
        before = current_version(workspace)
        code = _in_process(workspace, step, step)
        if code == 0:
            break
        kills += code == -signal.SIGKILL
        torn += not _whole(workspace)
        unusable += current_version(workspace) not in (before, list_versions(workspace)[-1])
    else:
        outcome.require("the last step", "reached", f"not within {MOST_STEPS}", False)
    _age(workspace)
    code = code or _in_process(workspace, MOST_STEPS, 0)
    outcome.figures |= {"kills": kills, "versions_left": len(list_versions(workspace))}
    outcome.require("kills", "one at each step on the disk", kills, kills >= 10)
    outcome.require_zero(
        torn_versions=torn, neither_old_nor_new=unusable, left_over=len(left_over(workspace))
    )
    outcome.require("the next publishing ends", "yes", "yes" if code == 0 else "no", code == 0)


def left_over(workspace: Workspace) -> list[str]:
    """Folders that killed writers had begun and nobody removed."""
    known = set(list_versions(workspace))
    return [path.name for path in workspace.index.iterdir() if path.is_dir() and path.name not in known]


def _age(workspace: Workspace) -> None:
    """Two days pass: what has no manifest until then is nobody's."""
    for path in workspace.index.iterdir():
        os.utime(path, (time.time() - 2 * 86_400,) * 2)


def _whole(workspace: Workspace) -> bool:
    """Whether every version that exists is complete, and the published one is among them."""
    try:
        for name in {*list_versions(workspace), current_version(workspace)}:
            verify(workspace, name)
    except RecsysError:
        return False
    return True


def _in_process(workspace: Workspace, seed: int, stop_at: int) -> int:
    """Exit code of a process that builds a version and publishes it, killed at its n-th step; 0: never."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=_publish, args=(str(workspace.root), seed, stop_at))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def _publish(root: str, seed: int, stop_at: int) -> None:
    workspace = Workspace(Path(root))
    board = ReplicaBoard(open_serving_database(f"sqlite:///{workspace.serving_database}"))
    if stop_at:
        _kill_at(stop_at, str(workspace.index))
    publish_confirmed(workspace, board, small_version(workspace, seed).index_version)


def _kill_at(step: int, below: str) -> None:
    """SIGKILL this process before its n-th change of the folder of versions."""
    left, synced = step, os.fsync

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in STEPS or (event == "open" and _writes_below(arguments, below)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def fsync(descriptor: Any) -> None:
        sys.audit("chaos.fsync", descriptor)
        synced(descriptor)

    setattr(os, "fsync", fsync)  # noqa: B010  # the functions differ in a name that nobody uses
    sys.addaudithook(count)


def _writes_below(arguments: tuple[Any, ...], below: str) -> bool:
    path, _, flags = arguments
    return (
        isinstance(path, (str, os.PathLike))
        and str(path).startswith(below)
        and bool(flags and flags & WRITES)
    )
