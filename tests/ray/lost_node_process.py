"""Two shards with two copies each on three Ray nodes, one of which is killed: FOLDER of a workspace.

Prints one JSON object with what came of the searches; a process of its own, since a test run has one Ray.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from cluster.runtime import prepare_serve

prepare_serve()  # counts before Serve is imported

import ray  # noqa: E402
from ray import serve  # noqa: E402

from cluster.runtime import num_machines  # noqa: E402
from recsys.config import ServeConfig  # noqa: E402
from recsys.index import current_version, load_manifest  # noqa: E402
from recsys.query import Query  # noqa: E402
from recsys.workspace import Workspace  # noqa: E402
from serve_app.app import HEALTH  # noqa: E402
from serve_app.breaker import CircuitBreaker  # noqa: E402
from serve_app.replicas import Replicas  # noqa: E402
from serve_app.retriever import Retriever  # noqa: E402
from serve_app.shard_clients import InlineShard, RemoteShard, ShardVersions  # noqa: E402
from serve_app.shard_server import ShardServer  # noqa: E402
from tests.local_nodes import LocalNodes, local_nodes  # noqa: E402

DEADLINE_S = 10.0
SEARCHES, KILLED_AFTER, SECONDS_AFTER = 60, 30, 5.0


def handles(workspace: Workspace, num_shards: int) -> list[Any]:
    """The shards' deployments, spread as the service spreads them."""
    serve.start(proxy_location="Disabled")
    options = Replicas(2).options(ServeConfig(), num_machines()) | HEALTH
    found = []
    for number in range(num_shards):
        shard: Any = serve.deployment(ShardServer)
        named = shard.options(name=f"shard-{number}", ray_actor_options={"num_cpus": 0.1}, **options)
        found.append(serve.run(named.bind(str(workspace.root), number), name=f"s{number}", route_prefix=None))
    return found


def copies(nodes: LocalNodes, num_shards: int) -> dict[str, list[int]]:
    """How many copies of each shard lie on each node."""
    return {
        name: [len(nodes.processes(name, f"ServeReplica:s{n}:shard-{n}")) for n in range(num_shards)]
        for name in nodes.nodes
    }


async def search(retriever: Retriever, expected: Retriever, nodes: LocalNodes, victim: str) -> dict[str, int]:
    """Searches before and after a node is killed: how many were whole, and how many were wrong."""
    rng, counts = np.random.default_rng(5), {"searches": 0, "whole": 0, "wrong": 0}
    until = float("inf")
    while counts["searches"] < SEARCHES or time.monotonic() < until:
        if counts["searches"] == KILLED_AFTER:
            await asyncio.to_thread(nodes.kill, victim)
            until = time.monotonic() + SECONDS_AFTER
        query = Query(rng.normal(size=32).astype(np.float32))
        found = await retriever.search(query, 10, frozenset(), None)
        best = await expected.search(query, 10, frozenset(), None)
        counts["searches"] += 1
        counts["whole"] += found.coverage.ratio == 1.0
        counts["wrong"] += found.candidates.item_ids != best.candidates.item_ids
        await asyncio.sleep(0.02)
    return counts


def main(folder: Path) -> None:
    """Start three nodes, search, kill one, search on."""
    workspace = Workspace(folder)
    version = current_version(workspace)
    manifest = load_manifest(workspace, version)
    shards = range(manifest.num_shards)
    rows = [manifest.shard_files(number)[0].rows for number in shards]
    breakers = [CircuitBreaker(3, 1.0) for _ in shards]
    own = [InlineShard(ShardVersions(workspace, number)) for number in shards]
    with local_nodes(["head", "one", "two"], 1.0, 1.0) as nodes:
        ray.init(address=nodes.cluster.address, log_to_driver=False, logging_level=logging.ERROR)
        remote = [RemoteShard(handle, DEADLINE_S) for handle in handles(workspace, len(shards))]
        before = copies(nodes, len(shards))
        victim = max(("one", "two"), key=lambda name: sum(before[name]))
        searches = search(
            Retriever(remote, breakers, version, rows), Retriever(own, breakers, version, rows), nodes, victim
        )
        counts = asyncio.run(searches)
        serve.shutdown()  # type: ignore[no-untyped-call]  # Serve's own signature has no types
        ray.shutdown()
    print(json.dumps({"copies": before, "killed": victim, **counts}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
