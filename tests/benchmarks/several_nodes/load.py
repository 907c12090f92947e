"""Shoppers in a process of their own: every request is logged, whatever became of it.

python -m tests.benchmarks.several_nodes.load TASK.json
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.local_nodes import node_of_peer

TIMEOUT_S = 30.0
CONNECT_ATTEMPTS = 200
WORDS = ("warm jacket", "coffee", "gift for a child", "desk lamp", "running shoes", "garden")
LOST = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Task:
    """What the shoppers do."""

    port: int
    raylets: dict[str, str]
    """Names of the nodes by their raylet's process id."""
    clients: dict[str, int]
    """Shoppers that keep a connection to each node's proxy."""
    headers: dict[str, str]
    requests_per_s: float
    """Of all shoppers together."""
    users: list[str]
    items: list[str]
    log: str
    stop: str
    """File whose being there ends the load."""
    seed: int = 0


@dataclass
class Asked:
    """One request and its outcome."""

    request_id: str
    node: str
    kind: str
    at: float
    """Wall clock when it was sent."""
    subject: str
    """User, item or event that it was about."""
    latency_ms: float = 0.0
    status: int = 0
    """0: the connection broke before there was an answer."""
    retried: bool = False
    """A second try, over a new connection, after the first one broke."""
    answered_by: str | None = None
    coverage: float | None = None
    shards_ok: int | None = None
    degraded: list[str] = field(default_factory=list)
    index_version: str | None = None
    listed: list[str] = field(default_factory=list)
    fault: str = ""


class Shopper(threading.Thread):
    """Sends one request after the other at a pace of its own over one connection that stays."""

    def __init__(self, task: Task, number: int, node: str, write: Any) -> None:
        super().__init__(name=f"shopper-{number}")
        self._task, self._number, self._node, self._write = task, number, node, write
        self._rng = np.random.default_rng([task.seed, number])
        self._raylets = {int(pid): name for pid, name in task.raylets.items()}
        self._connection = self._connected(node)
        self._by: str | None = node

    def run(self) -> None:
        """Ask until told to stop; a broken connection is replaced by one to any living node."""
        pause = sum(self._task.clients.values()) / self._task.requests_per_s
        stop, due, count = Path(self._task.stop), time.monotonic() + self._rng.random() * pause, 0
        while not stop.exists():
            time.sleep(max(0.0, due - time.monotonic()))
            due = max(due + pause, time.monotonic())
            count += 1
            kind, path, body, subject = self._request(count)
            asked = Asked(f"{self._number}-{count}", self._node, kind, time.time(), subject)
            self._ask(asked, path, body)
            self._write(asked)
            if asked.status == 0:
                again = Asked(asked.request_id, self._node, kind, time.time(), subject, retried=True)
                self._connection, self._by = self._connected(None), None
                self._ask(again, path, body)
                self._write(again)

    def _ask(self, asked: Asked, path: str, body: dict[str, Any]) -> None:
        begun = time.perf_counter()
        headers = {"content-type": "application/json", **self._task.headers}
        try:
            self._connection.request("POST", path, json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except LOST as error:
            asked.fault = f"{type(error).__name__}: {error}"
            return
        finally:
            asked.latency_ms = 1e3 * (time.perf_counter() - begun)
        asked.status, asked.answered_by = answer.status, self._by
        if asked.status != http.client.OK:
            asked.fault = text[:300].decode(errors="replace")
        elif asked.kind != "event":
            found = json.loads(text)
            asked.coverage, asked.shards_ok = found["coverage"]["ratio"], found["coverage"]["shards_ok"]
            asked.degraded, asked.index_version = found["degraded"], found["index_version"]
            asked.listed = [item["item_id"] for item in found["items"]]

    def _request(self, count: int) -> tuple[str, str, dict[str, Any], str]:
        user, item = str(self._rng.choice(self._task.users)), str(self._rng.choice(self._task.items))
        kind = str(
            self._rng.choice(["list", "text", "search", "similar", "event"], p=[0.45, 0.1, 0.1, 0.25, 0.1])
        )
        if kind == "list":
            return kind, "/v1/recommend", {"user_id": user, "n": 10}, user
        words = str(self._rng.choice(WORDS))
        if kind == "text":
            return kind, "/v1/recommend", {"user_id": user, "n": 10, "text": words}, user
        if kind == "search":
            return kind, "/v1/search", {"text": f"{words} {count}", "n": 10}, words
        if kind == "similar":
            return kind, "/v1/similar", {"item_id": item, "n": 10}, item
        event_id = f"load-{self._task.seed}-{self._number}-{count}"
        event = {"event_id": event_id, "user_id": user, "item_id": item, "event_type": "click"}
        return kind, "/v1/events:batch", {"events": [event]}, event_id

    def _connected(self, node: str | None) -> http.client.HTTPConnection:
        """A connection to one node's proxy, since all proxies of this machine share a port; None: to any."""
        for _ in range(CONNECT_ATTEMPTS):
            connection = http.client.HTTPConnection("127.0.0.1", self._task.port, timeout=TIMEOUT_S)
            with contextlib.suppress(OSError):
                connection.connect()
                if node is None or node_of_peer(connection.sock, self._raylets) == node:
                    return connection
            connection.close()
            time.sleep(0.02)
        raise TimeoutError(f"no connection to the proxy of {node}")


def main() -> None:
    """Load until the stop file appears."""
    task = Task(**json.loads(Path(sys.argv[1]).read_text()))
    with Path(task.log).open("w", buffering=1) as log:
        lock = threading.Lock()

        def write(asked: Asked) -> None:
            with lock:
                log.write(json.dumps(asdict(asked)) + "\n")

        nodes = [node for node, many in task.clients.items() for _ in range(many)]
        shoppers = [Shopper(task, number, node, write) for number, node in enumerate(nodes)]
        for one in shoppers:
            one.start()
        for one in shoppers:
            one.join()


if __name__ == "__main__":
    main()
