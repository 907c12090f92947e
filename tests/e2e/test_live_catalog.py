"""A running service, its catalog changed over HTTP: new items show soon, deleted ones never again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.bench.processes import descendants, start
from jobs.bench.service import free_port
from tests.serve.conftest import SmallShop, make_small_shop

pytestmark = pytest.mark.timeout(300)
START_S = 120.0
PATIENCE_S = 30.0
COMMAND = (sys.executable, "-m", "jobs.cli", "serve", "--placement", "inline", "--no-loop")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> SmallShop:
    """200 items in two shards."""
    return make_small_shop(tmp_path_factory.mktemp("live-shop"), tiny_bert, None)


@contextmanager
def serving(shop: SmallShop) -> Iterator[tuple[httpx.Client, subprocess.Popen[bytes]]]:
    """`recsys serve` with two replicas; whatever is left of it is killed at the end."""
    port = free_port()
    root = shop.workspace.root
    command = [*COMMAND, "--workspace", str(root), "--port", str(port), "--recommenders", "2"]
    process = start(command, root / f"serve-{port}.log")
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30.0) as client:
            wait_until_ready(client, process, root / f"serve-{port}.log")
            yield client, process
    finally:
        kill(process)


def wait_until_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until `/readyz` says so, or the process has ended."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")[-2_000:]
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail("the service did not become ready")


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL the service and everything it started, all at once."""
    for pid in [process.pid, *descendants(process.pid)]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def listed(client: httpx.Client, path: str, body: dict[str, Any]) -> list[str]:
    """Items of one answer, asked over a connection of its own: any replica may answer."""
    answer = httpx.post(f"{client.base_url}{path}", json=body, timeout=30.0)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json()["items"]]


def test_a_new_item_shows_in_every_replica_and_a_deleted_one_never_again(shop: SmallShop) -> None:
    liked = shop.shop.items.to_pylist()[5]
    new = {key: liked[key] for key in ("title", "description", "category", "brand")} | {
        "item_id": "brand-new"
    }
    user = {"user_id": "newcomer", "n": 10}
    gone = [f"item-{number:05d}" for number in range(10, 15)]
    with serving(shop) as (client, process):
        event = {"user_id": "newcomer", "item_id": liked["item_id"], "event_type": "purchase"}
        client.post("/v1/events:batch", json={"events": [event]}).raise_for_status()
        before = [listed(client, "/v1/recommend", user) for _ in range(4)]
        assert not any("brand-new" in found for found in before)
        client.post("/v1/items:batch", json={"items": [new]}).raise_for_status()
        changed = time.monotonic()
        in_a_row = 0
        while in_a_row < 8:  # every replica: of two none is left out but once in 256 times
            in_a_row = in_a_row + 1 if "brand-new" in listed(client, "/v1/recommend", user) else 0
            assert time.monotonic() - changed < PATIENCE_S
        for item_id in gone:
            client.delete(f"/v1/items/{item_id}").raise_for_status()
        time.sleep(1.5)  # three periods in which every replica looks for changes
        assert_gone(client, gone)
        kill(process)
    with serving(shop) as (client, _):
        assert_gone(client, gone)
        assert "brand-new" in listed(client, "/v1/recommend", user)


def assert_gone(client: httpx.Client, gone: list[str]) -> None:
    """No list of any kind has a deleted item, whoever answers."""
    for _ in range(6):
        for path, body in (
            ("/v1/recommend", {"n": 200}),
            ("/v1/recommend", {"user_id": "newcomer", "n": 200, "include_seen": True}),
            ("/v1/similar", {"item_id": "item-00001", "n": 200}),
            ("/v1/search", {"text": "a lamp", "n": 200}),
            ("/v1/rank", {"user_id": "newcomer", "item_ids": [*gone, "item-00001"]}),
        ):
            assert not set(gone) & set(listed(client, path, body)), path
