"""Both ways that HTTP reaches the replicas: on a port that they share, and through Serve's proxy."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from jobs.bench.http_traffic import counted
from jobs.bench.processes import descendants, title_of
from jobs.bench.service import REPLICA, free_port
from recsys.config import Door, Placement, RuntimeConfig, ServeConfig
from recsys.errors import CapacityError, StoreError
from recsys.workspace import Workspace
from serve_app import app
from serve_app.even_doors import COUNT
from serve_app.http_door import HttpDoor
from serve_app.shared_folder import forget_counts, shared_folder
from tests.serve.conftest import SmallShop, make_small_shop

pytestmark = pytest.mark.timeout(300)
RECOVERY_S = 60.0
INGRESS = "DirectIngress"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> SmallShop:
    """The small shop, shared by the scenes of this file."""
    return make_small_shop(tmp_path_factory.mktemp("shop"), tiny_bert, None)


@contextmanager
def serving(shop: SmallShop, door: Door, recommenders: int) -> Iterator[str]:
    """The service with its shards inline; its URL."""
    config = ServeConfig(
        port=free_port(), placement=Placement.INLINE, door=door, num_recommenders=recommenders
    )
    try:
        yield app.start(RuntimeConfig(workspace=shop.workspace.root), config)
    finally:
        app.stop()


def ask(url: str, user: str) -> list[str]:
    """A list over a connection of its own; requires a 200."""
    answer = httpx.post(f"{url}/v1/recommend", json={"user_id": user, "n": 5}, timeout=30.0)
    assert answer.status_code == 200, answer.text
    assert len(answer.headers.get_list("x-request-id")) == 1
    return [item["item_id"] for item in answer.json()["items"]]


def lists_counted(url: str) -> float:
    """Lists that the service says it has answered."""
    return counted(url, "recsys_request_seconds_count", route="/v1/recommend")


def ingress_pids() -> list[int]:
    """Processes of the replicas that answer HTTP."""
    return [pid for pid in descendants(os.getpid()) if title_of(pid).startswith(REPLICA + INGRESS)]


def open_connections(shop: SmallShop, url: str) -> list[int]:
    """How many connections each replica says that it has."""
    config = ServeConfig(port=httpx.URL(url).port or 0)
    files = shared_folder(shop.workspace, config, "doors").glob("*")
    return [COUNT.unpack(file.read_bytes())[0] for file in files]


def test_connections_that_stay_are_spread_evenly(shop: SmallShop, ray_cluster: None) -> None:
    user = shop.events.typical_users(1)[0].removeprefix("user:")
    with serving(shop, Door.DIRECT, 2) as url, ExitStack() as stack:
        clients = [stack.enter_context(httpx.Client(base_url=url, timeout=30.0)) for _ in range(8)]
        deadline = time.monotonic() + RECOVERY_S
        while sorted(open_connections(shop, url)) != [4, 4]:
            for client in clients:
                assert client.post("/v1/recommend", json={"user_id": user, "n": 5}).status_code == 200
            assert time.monotonic() < deadline, f"still {open_connections(shop, url)}"


def test_replicas_on_one_port_answer_and_count_as_one_and_one_may_die(
    shop: SmallShop, ray_cluster: None
) -> None:
    user = shop.events.typical_users(1)[0].removeprefix("user:")
    with serving(shop, Door.DIRECT, 2) as url:
        lists = [ask(url, user) for _ in range(30)]
        assert lists == [lists[0]] * 30
        assert [lists_counted(url) for _ in range(8)] == [30.0] * 8
        first, _ = ingress_pids()
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + RECOVERY_S
        broken = 0
        while len(pids := ingress_pids()) < 2 or first in pids:
            try:
                assert ask(url, user) == lists[0]
            except httpx.TransportError:
                broken += 1  # the dying process had taken it
            assert time.monotonic() < deadline, "the killed replica is not back"
        assert broken <= 1, "the kernel sends nobody to a socket that is closed"
        assert ask(url, user) == lists[0]
        direct = lists[0]
    with serving(shop, Door.PROXY, 2) as url:
        assert [ask(url, user) for _ in range(20)] == [direct] * 20
        assert [lists_counted(url) for _ in range(8)] == [20.0] * 8


def test_a_door_that_cannot_listen_says_where(tmp_path: Path) -> None:
    async def prepare() -> None:
        return None

    with pytest.raises(CapacityError, match=r"192\.0\.2\.1:8000"):
        HttpDoor(FastAPI(), prepare, ServeConfig(host="192.0.2.1"), tmp_path)


def test_a_door_that_cannot_prepare_raises_what_went_wrong(tmp_path: Path) -> None:
    async def prepare() -> None:
        raise CapacityError("nothing to serve")

    with pytest.raises(CapacityError, match="nothing to serve"):
        HttpDoor(FastAPI(), prepare, ServeConfig(port=free_port()), tmp_path)


def test_counts_lie_outside_the_workspace_and_go_with_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What replicas map must not be on a volume that the shop's data can fill."""
    workspace, config = Workspace(tmp_path / "shop").create(), ServeConfig(port=free_port())
    folder = shared_folder(workspace, config, "doors")
    folder.mkdir(parents=True)
    assert not folder.is_relative_to(workspace.root)
    assert folder != shared_folder(workspace, ServeConfig(port=free_port()), "doors")
    assert folder.parent.parent.stat().st_mode & 0o077 == 0
    forget_counts(workspace, config)
    assert not folder.parent.exists()
    monkeypatch.setattr(os, "getuid", lambda: folder.parent.parent.stat().st_uid + 1)
    (folder.parents[2] / f"recsys-{os.getuid()}").symlink_to(tmp_path)
    try:
        with pytest.raises(StoreError, match="not this user's"):
            shared_folder(workspace, config, "doors")
    finally:
        (folder.parents[2] / f"recsys-{os.getuid()}").unlink()
