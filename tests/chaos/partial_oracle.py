"""S12: what is merged is the brute-force best of exactly the shards that answered, for 10,000 users."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray import serve
from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from recsys.identifiers import shard_of
from recsys.index import IndexManifest, publish
from recsys.index.files import open_shard
from recsys.query import Query
from recsys.workspace import Workspace
from serve_app.app import HEALTH
from serve_app.breaker import CircuitBreaker
from serve_app.retriever import Retrieved, Retriever
from serve_app.shard_clients import RemoteShard
from serve_app.shard_server import ShardServer
from tests.chaos.outcome import Outcome, Place
from tests.chaos.served import kill
from tests.chaos.small_version import small_version

NUM_ITEMS, DIM, SHARDS, K = 4_000, 8, 4, 20
USERS, AT_ONCE = 10_000, 8
KILL_EVERY_S = 4.0
TIMEOUT_S = 1.0


class Watched(RemoteShard):
    """A shard's client that remembers which searches were answered in time."""

    def __init__(self, handle: Any) -> None:
        super().__init__(handle, TIMEOUT_S)
        self.answered: set[int] = set()

    async def process_id(self) -> int:
        """Process of the shard."""
        return int(await asyncio.wait_for(self._handle.process_id.remote(), TIMEOUT_S))

    async def search(self, index_version: str, query: Query, *rest: Any) -> Any:
        """Search, and note the query by its identity."""
        found = await super().search(index_version, query, *rest)
        self.answered.add(id(query))
        return found


def run(place: Place, outcome: Outcome) -> None:
    """Real shard processes, killed one after the other; integer vectors, so that every score is exact."""
    workspace = Workspace(place.folder / "shop").create()
    manifest = small_version(workspace, place.seed, NUM_ITEMS, DIM, integers=True, num_shards=SHARDS)
    publish(workspace, manifest.index_version)
    ray.init(address="local", num_cpus=8, include_dashboard=False, log_to_driver=False)
    serve.start(proxy_location="Disabled")
    shards = [Watched(_deployed(workspace.root, number)) for number in range(SHARDS)]
    rows = [manifest.shard_files(number)[0].rows for number in range(SHARDS)]
    breakers = [CircuitBreaker(3, 1.0) for _ in range(SHARDS)]
    retriever = Retriever(shards, breakers, manifest.index_version, rows)
    asyncio.run(_asked(place, outcome, retriever, shards, _Oracle(workspace, manifest)))
    serve.shutdown()  # type: ignore[no-untyped-call]  # Serve's own signature has no types
    ray.shutdown()


def _deployed(root: Path, number: int) -> Any:
    deployment: Any = serve.deployment(ShardServer)
    options = {"name": f"shard-{number}", "ray_actor_options": {"num_cpus": 0.1}, "max_ongoing_requests": 64}
    bound = deployment.options(**options, **HEALTH).bind(str(root), number)
    return serve.run(bound, name=f"oracle-{number}", route_prefix=None)


class _Oracle:
    """All items in memory; scores by the definition in float64."""

    def __init__(self, workspace: Workspace, manifest: IndexManifest) -> None:
        parts = [open_shard(workspace, manifest, number) for number in range(SHARDS)]
        self.ids = [item_id for items, _, _ in parts for item_id in items.column("item_id").to_pylist()]
        self._rows = np.concatenate([np.array(vectors[:], np.float64) for _, vectors, _ in parts])
        self._owners = np.array([shard_of(item_id, SHARDS) for item_id in self.ids])

    def best(self, query: np.ndarray, shards: Sequence[int]) -> list[tuple[str, float]]:
        """The best of these shards, ties by id."""
        scores = (self._rows @ query.astype(np.float64)).astype(np.float32)
        rows = np.flatnonzero(np.isin(self._owners, shards))
        order = sorted(rows, key=lambda row: (-scores[row], self.ids[row]))[:K]
        return [(self.ids[row], float(scores[row])) for row in order]


async def _asked(
    place: Place, outcome: Outcome, retriever: Retriever, shards: Sequence[Watched], oracle: _Oracle
) -> None:
    rng, wrong, partial, dishonest = np.random.default_rng(place.seed), 0, 0, 0
    users = place.times(USERS, 1_000)
    killer = _Killer(shards, place.seed)
    killing = asyncio.create_task(killer.run())
    for start in range(0, users, AT_ONCE):
        queries = [Query(rng.integers(-3, 4, DIM).astype(np.float32)) for _ in range(AT_ONCE)]
        found: list[Retrieved] = await asyncio.gather(
            *(retriever.search(query, K, frozenset(), None) for query in queries)
        )
        for query, one in zip(queries, found, strict=True):
            answered = [number for number, shard in enumerate(shards) if id(query) in shard.answered]
            got = list(zip(one.candidates.item_ids, one.candidates.scores.tolist(), strict=True))
            wrong += got != oracle.best(query.vector, answered)
            lost = len(answered) < SHARDS
            partial += lost
            dishonest += one.coverage.shards_ok != len(answered) or lost != bool(one.degraded)
        for shard in shards:
            shard.answered.clear()
        if start % 1_600 == 0:
            place.say(f"{start} users, {partial} partial")
    killing.cancel()
    outcome.figures |= {"users": users, "partial lists": partial, "kills": killer.kills}
    outcome.require("lists compared", f"{USERS:,}", users, users >= place.times(USERS, 1_000))
    outcome.require("partial lists among them", "some", partial, partial > 0)
    outcome.require_zero(mismatches=wrong, dishonest_coverage=dishonest)


class _Killer:
    """Kills one shard's process after another."""

    def __init__(self, shards: Sequence[Watched], seed: int) -> None:
        self._shards, self._rng, self.kills = shards, random.Random(seed), 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(KILL_EVERY_S * (0.5 + self._rng.random()))
            with suppress(TimeoutError, RayError, RayServeException):  # it is dead already
                kill([await self._rng.choice(self._shards).process_id()])
                self.kills += 1
