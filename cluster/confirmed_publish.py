"""Publish or roll back so that no request meets a version that its replica has not loaded.

The version is staged first: every living replica loads it beside the old one, checks its hashes and
confirms on the board. Only then does the pointer move. A replica that refuses stops the change.
"""

from __future__ import annotations

import fcntl
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cluster.replica_board import ReplicaBoard, ReplicaState
from recsys.errors import GateError
from recsys.index import earlier_version, make_current, point_to, verify
from recsys.workspace import PLAIN_NAME, Workspace, replace_file

BEAT_S = 1.0
"""How often a replica reports."""
WATCHED_S = 2.5 * BEAT_S
"""A replica whose number did not grow in this time is gone."""
POLL_S = 0.1
LOCK = ".publishing"


@dataclass(frozen=True)
class ReplicaWait:
    """How long replicas may take, on a clock that nobody sets."""

    timeout_s: float = 60.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def publish_confirmed(
    workspace: Workspace,
    board: ReplicaBoard,
    index_version: str,
    keep: int = 3,
    wait: ReplicaWait = ReplicaWait(),
) -> None:
    """Verify a version, have every living replica load it, then make it the one that answers.

    Raises `IndexMissingError` or `IndexCorruptError` for the version itself, `GateError` when a replica
    refuses it or does not confirm in time; the pointer then stays as it was.
    """
    with _alone(workspace):
        verify(workspace, index_version)
        _confirm(workspace, board, index_version, wait)
        make_current(workspace, index_version, keep)
        workspace.staged.unlink(missing_ok=True)


def rollback_confirmed(
    workspace: Workspace,
    board: ReplicaBoard,
    wait: ReplicaWait = ReplicaWait(),
) -> str:
    """Go back to the version published before the current one once every replica has it; its name.

    Raises `IndexMissingError` when there is none left, `GateError` like `publish_confirmed`.
    """
    with _alone(workspace):
        earlier = earlier_version(workspace)
        verify(workspace, earlier)
        _confirm(workspace, board, earlier, wait)
        point_to(workspace, earlier)
        workspace.staged.unlink(missing_ok=True)
        return earlier


def staged_version(workspace: Workspace) -> str | None:
    """The version that replicas should load beside the published one, or None."""
    try:
        name = workspace.staged.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return name if re.fullmatch(PLAIN_NAME, name) else None


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """One change of the pointer at a time: a second one waits for the first; a dead one's lock is gone."""
    workspace.index.mkdir(parents=True, exist_ok=True)
    with (workspace.index / LOCK).open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _confirm(workspace: Workspace, board: ReplicaBoard, index_version: str, wait: ReplicaWait) -> None:
    replace_file(workspace.staged, f"{index_version}\n".encode())
    try:
        _wait_for_all(board, index_version, wait)
    except BaseException:
        workspace.staged.unlink(missing_ok=True)
        raise


def _wait_for_all(board: ReplicaBoard, index_version: str, wait: ReplicaWait) -> None:
    first, start = board.states(), wait.now()
    if not first:
        return
    while True:
        living = _living(first, board.states())
        _raise_refusal(living, index_version)
        late = sorted(name for name, state in living.items() if index_version not in state.prepared)
        waited = wait.now() - start
        if waited >= WATCHED_S and not late:
            return
        if waited >= wait.timeout_s:
            raise GateError(
                "a replica did not confirm the version and the published one stays",
                expected=f"confirmation within {wait.timeout_s:g} s",
                found=", ".join(late),
                where=index_version,
            )
        wait.sleep(POLL_S)


def _living(first: dict[str, ReplicaState], now: dict[str, ReplicaState]) -> dict[str, ReplicaState]:
    """Replicas that reported since the watch began; clocks of machines may differ, numbers do not."""
    return {name: state for name, state in now.items() if name not in first or state.beat > first[name].beat}


def _raise_refusal(living: dict[str, ReplicaState], index_version: str) -> None:
    for name, state in sorted(living.items()):
        if index_version in state.refused:
            raise GateError(
                "a replica refuses the version and the published one stays",
                found=state.refused[index_version],
                where=f"{index_version} at {name}",
            )
