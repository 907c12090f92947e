"""Replicas that follow load: more of them while shoppers press, fewer when they are gone.

python -m tests.benchmarks.several_nodes.scaling FOLDER [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from cluster.runtime import prepare_serve

prepare_serve()  # counts before Serve is imported

import ray  # noqa: E402

from jobs.bench.service import free_port  # noqa: E402
from recsys.config import Door, Placement, RuntimeConfig, ServeConfig  # noqa: E402
from serve_app import app  # noqa: E402
from tests.benchmarks.several_nodes.serving import look  # noqa: E402
from tests.serve.conftest import make_small_shop  # noqa: E402
from tests.tiny_encoders import tiny_bert  # noqa: E402

CLIENTS = 12
LOAD_S = 45.0
DOWN_TIMEOUT_S = 120.0
FOLLOWED = ("Ingress", "shard-0", "shard-1")


def press(url: str, users: list[str], over: threading.Event, statuses: Counter[int]) -> None:
    """Ask for lists as fast as they are answered."""
    with httpx.Client(base_url=url, timeout=30.0) as client:
        for number in range(10**9):
            if over.is_set():
                return
            body = {"user_id": users[number % len(users)], "n": 10}
            statuses[client.post("/v1/recommend", json=body).status_code] += 1


def replicas() -> dict[str, int]:
    """How many replicas run now."""
    ids = {node["NodeID"]: "here" for node in ray.nodes()}  # type: ignore[no-untyped-call]  # Ray leaves it untyped
    running = look(ids).running
    return {name: sum(running[name].values()) for name in FOLLOWED}


def watch(begun: float, until: float, rows: list[dict[str, Any]], load: bool) -> None:
    """A row a second; without load until every number is 1."""
    while time.monotonic() < until:
        found = replicas()
        if not rows or {name: rows[-1][name] for name in FOLLOWED} != found or rows[-1]["load"] != load:
            rows.append({"at_s": round(time.monotonic() - begun, 1), "load": load, **found})
            print(rows[-1], flush=True)
        if not load and set(found.values()) == {1}:
            return
        time.sleep(1.0)


def main() -> None:
    """Press, let go, print what Serve did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the workspace goes; emptied")
    parser.add_argument("--json", type=Path, help="where the rows are written")
    asked = parser.parse_args()
    shutil.rmtree(asked.folder, ignore_errors=True)
    shop = make_small_shop(asked.folder / "workspace", tiny_bert(asked.folder / "tiny-bert"), None)
    config = ServeConfig(
        port=free_port(), placement=Placement.REMOTE, door=Door.PROXY, num_recommenders=1, max_recommenders=3,
        shard_replicas=1, max_shard_replicas=2, requests_per_replica=2.0, scale_up_after_s=3.0,
        scale_down_after_s=10.0,
    )  # fmt: skip
    ray.init(
        address="local", num_cpus=4, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False
    )
    url = app.start(RuntimeConfig(workspace=shop.workspace.root), config)
    users = [key.removeprefix("user:") for key in shop.events.typical_users(20)]
    over, statuses, rows = threading.Event(), Counter[int](), list[dict[str, Any]]()
    begun = time.monotonic()
    watch(begun, begun + 3.0, rows, False)
    clients = [threading.Thread(target=press, args=(url, users, over, statuses)) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    watch(begun, time.monotonic() + LOAD_S, rows, True)
    over.set()
    for one in clients:
        one.join()
    watch(begun, time.monotonic() + DOWN_TIMEOUT_S, rows, False)
    found = {"replicas": rows, "statuses": dict(statuses), "clients": CLIENTS}
    print(json.dumps(found["statuses"]))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n")
    app.stop()
    ray.shutdown()


if __name__ == "__main__":
    main()
