"""The pointer moves when every living replica has the version, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.confirmed_publish import (
    WATCHED_S,
    ReplicaWait,
    publish_confirmed,
    rollback_confirmed,
    staged_version,
)
from cluster.judged_publish import publish_judged, published_manifest
from cluster.replica_board import ReplicaBoard, ReplicaState
from cluster.serving_database import open_serving_database
from recsys.errors import GateError, IndexCorruptError
from recsys.index import current_version, publish
from recsys.index.gate import refusal
from recsys.index.manifest import MANIFEST
from recsys.workspace import Workspace
from tests.unit.index.test_versions import build


class Replicas:
    """A clock that stands still until somebody waits, and what replicas do meanwhile."""

    def __init__(self, board: ReplicaBoard) -> None:
        self._board, self.time = board, 0.0
        self.acts: list[Callable[[float], ReplicaState | None]] = []

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        for act in self.acts:
            if (state := act(self.time)) is not None:
                self._board.report(state, 1)

    @property
    def wait(self) -> ReplicaWait:
        return ReplicaWait(20.0, lambda: self.time, self.sleep)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def board(workspace: Workspace) -> ReplicaBoard:
    return ReplicaBoard(open_serving_database(f"sqlite:///{workspace.serving_database}"))


def living(name: str, loads_at: float, version: Callable[[], str]) -> Callable[[float], ReplicaState]:
    """A replica that reports at every look and has loaded what is staged from a time on."""

    def act(now: float) -> ReplicaState:
        prepared = (version(),) if now >= loads_at else ()
        return ReplicaState(name, int(now * 1_000) + 1, "old", prepared)

    return act


def test_without_a_service_a_version_is_published_at_once(workspace: Workspace, board: ReplicaBoard) -> None:
    name = build(workspace).index_version
    replicas = Replicas(board)
    publish_confirmed(workspace, board, name, wait=replicas.wait)
    assert (current_version(workspace), replicas.time) == (name, 0.0)


def test_the_pointer_waits_for_the_slowest_living_replica(workspace: Workspace, board: ReplicaBoard) -> None:
    old, new = (build(workspace, seed).index_version for seed in range(2))
    publish(workspace, old)
    replicas, seen = Replicas(board), []
    for name in ("quick", "slow", "dead"):
        board.report(ReplicaState(name, 0, old), 1)

    def watch(now: float) -> None:
        seen.append((now, staged_version(workspace), current_version(workspace)))

    replicas.acts = [living("quick", 0.0, lambda: new), living("slow", 7.0, lambda: new), watch]
    publish_confirmed(workspace, board, new, wait=replicas.wait)
    assert current_version(workspace) == new
    assert replicas.time == pytest.approx(7.0, abs=0.3)
    assert {(staged, current) for _, staged, current in seen} == {(new, old)}
    assert staged_version(workspace) is None


def test_a_replica_that_refuses_or_hangs_stops_the_change(workspace: Workspace, board: ReplicaBoard) -> None:
    old, new = (build(workspace, seed).index_version for seed in range(2))
    publish(workspace, old)
    board.report(ReplicaState("a", 0, old), 1)
    replicas = Replicas(board)
    replicas.acts = [lambda now: ReplicaState("a", int(now * 1e3), old, (), {new: "a hash is wrong"})]
    with pytest.raises(GateError, match="a hash is wrong"):
        publish_confirmed(workspace, board, new, wait=replicas.wait)
    replicas.acts = [living("a", 1e9, lambda: new)]
    with pytest.raises(GateError, match="did not confirm"):
        publish_confirmed(workspace, board, new, wait=replicas.wait)
    assert (current_version(workspace), staged_version(workspace)) == (old, None)


def test_an_altered_version_is_never_staged(workspace: Workspace, board: ReplicaBoard) -> None:
    manifest = build(workspace)
    file = workspace.index_version(manifest.index_version) / manifest.files[1].path
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(IndexCorruptError):
        publish_confirmed(workspace, board, manifest.index_version)
    assert staged_version(workspace) is None


def test_going_back_is_confirmed_too(workspace: Workspace, board: ReplicaBoard) -> None:
    old, new = (build(workspace, seed).index_version for seed in range(2))
    publish(workspace, old)
    publish(workspace, new)
    board.report(ReplicaState("a", 0, new), 1)
    replicas = Replicas(board)
    replicas.acts = [living("a", 0.0, lambda: old)]
    assert rollback_confirmed(workspace, board, replicas.wait) == old
    assert current_version(workspace) == old
    assert WATCHED_S <= replicas.time < WATCHED_S + 1.0


def test_a_published_version_that_cannot_be_read_keeps_nothing_out(
    workspace: Workspace, board: ReplicaBoard, caplog: pytest.LogCaptureFixture
) -> None:
    """Found with workspaces of older releases: the version that should replace it was judged beside it."""
    broken, good = build(workspace), build(workspace, seed=1)
    publish(workspace, broken.index_version)
    (workspace.index_version(broken.index_version) / MANIFEST).write_text("{}")
    assert published_manifest(workspace) is None
    publish_judged(workspace, board, good)
    assert current_version(workspace) == good.index_version
    assert f"{broken.index_version} cannot be read" in caplog.text


def test_where_the_published_version_is_damaged_the_one_before_judges(
    workspace: Workspace, board: ReplicaBoard, caplog: pytest.LogCaptureFixture
) -> None:
    before, broken = build(workspace), build(workspace, seed=1)
    for one in (before, broken):
        publish(workspace, one.index_version)
    worse = build(workspace, seed=2, count=5)
    path = workspace.index_version(broken.index_version) / MANIFEST
    whole = path.read_bytes()
    path.write_text("{}")
    assert published_manifest(workspace) == before
    with pytest.raises(GateError, match="less than"):
        publish_judged(workspace, board, worse)
    assert f"compared with {before.index_version}" in caplog.text
    path.write_bytes(whole)
    workspace.current.write_bytes(b"")
    assert published_manifest(workspace) == broken
    publish_judged(workspace, board, worse, force=True)
    assert current_version(workspace) == worse.index_version
    assert not refusal(workspace, worse.index_version)
