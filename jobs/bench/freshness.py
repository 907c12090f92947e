"""How long after an event is acked the shopper's list shows it, while others write too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from jobs.bench.shop_history import user_id
from recsys.errors import StoreError

TIMEOUT_S = 30.0
PATIENCE_S = 10.0
OTHER_BATCH = 5
"""Events in each post of the others."""


@dataclass(frozen=True)
class Freshness:
    """Waits of all tries."""

    answer_ms: np.ndarray
    """`[T]`: from the ack to the end of the first answer with the event in it."""
    ack_ms: np.ndarray
    """`[T]`: from sending one event to its ack."""
    answers: np.ndarray
    """`[T]`: lists asked for until one had it."""
    other_events_per_s: float
    """What the others wrote meanwhile."""


def measure_freshness(
    url: str, num_tries: int, num_users: int, other_events_per_s: float, seed: int = 0
) -> Freshness:
    """Buy the first item of a shopper's list and ask until it is gone from the list.

    Raises `StoreError` when a list is empty, a post fails, or nothing changes within `PATIENCE_S`.
    """
    users = np.random.default_rng(seed).integers(num_users, size=num_tries).tolist()
    with _others(url, other_events_per_s) as written, httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        begun = time.perf_counter()
        tries = [_try(client, user_id(user)) for user in users]
        per_s = len(written) * OTHER_BATCH / (time.perf_counter() - begun)
    ack_s, answer_s, answers = (np.array(values) for values in zip(*tries, strict=True))
    return Freshness(1e3 * answer_s, 1e3 * ack_s, answers, per_s)


def _try(client: httpx.Client, user: str) -> tuple[float, float, int]:
    """Seconds to the ack, seconds from there to the changed list, lists asked for."""
    listed = _items(client, user)
    if not listed:
        raise StoreError("a list is empty", found=user)
    start = time.perf_counter()
    _post(
        client,
        "/v1/events:batch",
        {"events": [{"user_id": user, "item_id": listed[0], "event_type": "purchase"}]},
    )
    acked = time.perf_counter()
    for asked in range(1, 1_000_000):
        gone = listed[0] not in _items(client, user)
        now = time.perf_counter()
        if gone:
            return acked - start, now - acked, asked
        if now - acked > PATIENCE_S:
            break
    raise StoreError("an event does not show", expected=f"within {PATIENCE_S:.0f} s", found=user)


def _items(client: httpx.Client, user: str) -> list[str]:
    answer = _post(client, "/v1/recommend", {"user_id": user, "n": 10})
    if answer["degraded"]:
        raise StoreError("a list is degraded", found=", ".join(answer["degraded"]), where=user)
    return [item["item_id"] for item in answer["items"]]


def _post(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = client.post(path, json=body)
    if response.status_code != httpx.codes.OK:
        raise StoreError("a request was refused", found=response.text[:300], where=path)
    answer: dict[str, Any] = response.json()
    return answer


@contextmanager
def _others(url: str, events_per_s: float) -> Iterator[list[int]]:
    """Other shoppers' events at a steady pace from a thread; the list grows by one a post."""
    stop, written = threading.Event(), list[int]()
    thread = threading.Thread(target=_write, args=(url, OTHER_BATCH / events_per_s, stop, written))
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def _write(url: str, period_s: float, stop: threading.Event, written: list[int]) -> None:
    due = time.perf_counter()
    with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
        while not stop.wait(max(0.0, due - time.perf_counter())):
            due += period_s
            events = [
                {"user_id": f"other-{len(written)}", "item_id": f"item-{place:05d}", "event_type": "view"}
                for place in range(OTHER_BATCH)
            ]
            _post(client, "/v1/events:batch", {"events": events})
            written.append(len(events))
