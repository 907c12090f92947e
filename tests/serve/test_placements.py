"""Any number of shards, inline or behind Serve handles, equals brute force to the last bit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ray import serve
from ray.serve.handle import DeploymentHandle

from recsys.config import IndexConfig, Metric, ServeConfig
from recsys.filters import Filter, parse_filter
from recsys.index import IndexManifest, IndexWriter, Signal, publish
from recsys.index.writer import Provenance
from recsys.query import Query
from recsys.retrieval import Candidates
from recsys.schemas import ITEMS, conform
from recsys.workspace import Workspace
from serve_app.breaker import CircuitBreaker
from serve_app.retriever import Retriever
from serve_app.shard_clients import InlineShard, RemoteShard, ShardVersions
from serve_app.shard_server import ShardServer

pytestmark = pytest.mark.timeout(300)
NUM_ITEMS, DIM = 60, 4
SPLITS = (1, 2, 5)
IDS = [f"item-{number:03d}" for number in range(NUM_ITEMS)]
PRICES = [100 * (number % 7) for number in range(NUM_ITEMS)]
# Few distinct small integers: many ties, and every score is exact.
VECTORS = np.random.default_rng(3).integers(-2, 3, (NUM_ITEMS, DIM)).astype(np.float32)
CONFIG = ServeConfig(shard_timeout_s=60)
Versions = tuple[Workspace, dict[tuple[int, Metric], IndexManifest]]
Asked = tuple[np.ndarray, int, frozenset[str], Filter | None]


@pytest.fixture(scope="module")
def versions(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Workspace, dict[tuple[int, Metric], IndexManifest]]:
    """One index version for each split and metric over the same items."""
    workspace = Workspace(tmp_path_factory.mktemp("splits"))
    columns = {"item_id": IDS, "title": IDS, "price_minor": PRICES, "available": [True] * NUM_ITEMS}
    items = conform(pa.table(columns), ITEMS)
    built: dict[tuple[int, Metric], IndexManifest] = {}
    for splits in SPLITS:
        for metric in Metric:
            config = IndexConfig(num_shards=splits, metric=metric)
            with IndexWriter(workspace, DIM, config) as writer:
                writer.add(items, VECTORS)
                signals = (Signal(name="text", width=DIM, weight=1.0),)
                built[splits, metric] = writer.close(Provenance("enc", "1", signals, 0))
            publish(workspace, built[splits, metric].index_version, keep=20)
    return workspace, built


@pytest.fixture(scope="module")
def handles(versions: Versions, ray_cluster: None) -> Iterator[dict[int, list[DeploymentHandle[Any]]]]:
    """For each split, one real deployment per shard."""
    workspace, _ = versions
    serve.start(proxy_location="Disabled")
    running: dict[int, list[DeploymentHandle[Any]]] = {}
    for splits in SPLITS:
        running[splits] = []
        for number in range(splits):
            deployment: Any = serve.deployment(ShardServer)
            named = deployment.options(name=f"s{splits}-{number}", ray_actor_options={"num_cpus": 0.1})
            root = str(workspace.root)
            name = f"split-{splits}-{number}"
            running[splits].append(serve.run(named.bind(root, number), name=name, route_prefix=None))
    yield running
    serve.shutdown()  # type: ignore[no-untyped-call]  # Serve's own signature has no types


def brute_force(
    query: np.ndarray, k: int, exclude: frozenset[str], below: int | None, metric: Metric
) -> list[tuple[str, float]]:
    """The definition, in float64."""
    rows, q = VECTORS.astype(np.float64), query.astype(np.float64)
    scores = rows @ q
    if metric is Metric.EUCLIDEAN:
        scores = -((rows - q) ** 2).sum(axis=1)
    if metric is Metric.COSINE:
        lengths = np.sqrt((rows**2).sum(axis=1) * (q**2).sum())
        scores = np.divide(scores, lengths, out=np.zeros_like(scores), where=lengths > 0)
    rounded = scores.astype(np.float32)
    allowed = [n for n in range(NUM_ITEMS) if IDS[n] not in exclude and (below is None or PRICES[n] < below)]
    ranked = sorted(allowed, key=lambda n: (-rounded[n], IDS[n]))[:k]
    return [(IDS[n], float(rounded[n])) for n in ranked]


def test_every_split_and_placement_equals_brute_force(
    versions: Versions,
    handles: dict[int, list[DeploymentHandle[Any]]],
    tmp_path: Path,
) -> None:
    workspace, built = versions
    inline = {s: [InlineShard(ShardVersions(workspace, n)) for n in range(s)] for s in SPLITS}
    remote = {s: [RemoteShard(handle, 60.0) for handle in handles[s]] for s in SPLITS}
    loop = asyncio.new_event_loop()

    def found(clients: Any, splits: int, metric: Metric, asked: Asked) -> Candidates:
        manifest = built[splits, metric]
        breakers = [CircuitBreaker(3, 1.0) for _ in range(splits)]
        rows = [manifest.shard_files(n)[0].rows for n in range(splits)]
        retriever = Retriever(clients[splits], breakers, manifest.index_version, rows)
        retrieved = loop.run_until_complete(retriever.search(Query(asked[0]), *asked[1:]))
        assert retrieved.coverage.ratio == 1.0
        return retrieved.candidates

    @settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(
        query=st.lists(st.integers(-3, 3), min_size=DIM, max_size=DIM),
        k=st.integers(0, NUM_ITEMS + 5),
        hide=st.frozensets(st.sampled_from([*IDS, "unknown"]), max_size=20),
        below=st.one_of(st.none(), st.sampled_from([0, 100, 300, 10_000])),
        metric=st.sampled_from(list(Metric)),
    )
    def law(query: list[int], k: int, hide: frozenset[str], below: int | None, metric: Metric) -> None:
        vector = np.array(query, np.float32)
        where = None if below is None else parse_filter({"field": "price_minor", "op": "<", "value": below})
        expected = brute_force(vector, k, hide, below, metric)
        for clients in (inline, remote):
            for splits in SPLITS:
                got = found(clients, splits, metric, (vector, k, hide, where))
                assert list(zip(got.item_ids, got.scores.tolist(), strict=True)) == expected

    law()
    loop.close()
