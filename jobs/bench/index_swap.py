"""How long a running service takes to answer from another index version, and whether it misses a request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from jobs.bench.service import our_service
from jobs.bench.shop_at_scale import ShopAtScale
from jobs.bench.shop_history import user_id
from recsys.config import Placement
from recsys.errors import StoreError
from recsys.index import publish

TIMEOUT_S = 30.0
IN_A_ROW = 8
"""Looks that must find the new version: of two replicas none is left out but once in 256 times."""
PATIENCE_S = 120.0
POLL_S = 0.05
ASKERS = 2


@dataclass(frozen=True)
class Swaps:
    """Several swaps under load."""

    publish_s: tuple[float, ...]
    """Reading the new version whole and moving the pointer."""
    visible_s: tuple[float, ...]
    """From the moved pointer to `/v1/index` with the new version."""
    answers: int
    """Lists asked for from the first swap to the last."""
    failed: int
    """Of them: other than 200, or broken."""
    degraded: int
    """Of them: answered by less than everything."""


@dataclass
class _Asked:
    answers: int = 0
    failed: int = 0
    degraded: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def measure_swaps(shop: ShopAtScale, folder: Path, num_swaps: int) -> Swaps:
    """Publish the shop's two versions in turn while lists are asked for.

    Raises `StoreError` when a version does not show within `PATIENCE_S`.
    """
    publishing, visible = [], []
    with (
        our_service(shop.workspace, Placement.AUTO, folder) as service,
        _asking(service.url, shop.plan.num_users) as asked,
    ):
        for number in range(num_swaps):
            version = shop.published if number % 2 else shop.text_version
            start = time.perf_counter()
            publish(shop.workspace, version, keep=2)
            moved = time.perf_counter()
            _wait_for(service.url, version)
            publishing.append(moved - start)
            visible.append(time.perf_counter() - moved)
    publish(shop.workspace, shop.published, keep=2)
    return Swaps(tuple(publishing), tuple(visible), asked.answers, asked.failed, asked.degraded)


def _wait_for(url: str, version: str) -> None:
    begun = time.perf_counter()
    in_a_row = 0
    while in_a_row < IN_A_ROW:
        # Each look is a connection of its own, which any replica may get.
        found = httpx.get(f"{url}/v1/index", timeout=TIMEOUT_S).json()["index_version"]
        in_a_row = in_a_row + 1 if found == version else 0
        if time.perf_counter() - begun > PATIENCE_S:
            raise StoreError("a published version does not show", found=version)
        if not in_a_row:
            time.sleep(POLL_S)


@contextmanager
def _asking(url: str, num_users: int) -> Iterator[_Asked]:
    """Lists asked for by a few threads, one after the other, until the block ends."""
    stop, asked = threading.Event(), _Asked()
    threads = [
        threading.Thread(target=_ask, args=(url, number, num_users, stop, asked)) for number in range(ASKERS)
    ]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _ask(url: str, first: int, num_users: int, stop: threading.Event, asked: _Asked) -> None:
    number = first
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        while not stop.is_set():
            failed, degraded = _fate(client, user_id(number % num_users))
            with asked.lock:
                asked.answers += 1
                asked.failed += failed
                asked.degraded += degraded
            number += ASKERS


def _fate(client: httpx.Client, user: str) -> tuple[bool, bool]:
    """Whether a list failed, and whether it was degraded."""
    try:
        answer = client.post("/v1/recommend", json={"user_id": user, "n": 10})
    except httpx.HTTPError:
        return True, False
    failed = answer.status_code != httpx.codes.OK
    return failed, not failed and bool(answer.json()["degraded"])
