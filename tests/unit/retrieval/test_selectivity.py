"""Filters of any width inside the search: the same items and scores as filtering first and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recsys.config import Metric
from recsys.filters import parse_filter
from recsys.identifiers import shard_of
from recsys.retrieval import Candidates, ShardIndex, merge_top_k
from recsys.schemas import ITEMS, conform

NUM_ITEMS, DIM, K, SHARDS = 20_000, 24, 10, 3


@pytest.fixture(scope="module")
def catalog() -> tuple[pa.Table, np.ndarray]:
    """Items whose price is a permutation of 0, 1, 2, ...: `price < p` lets exactly `p` items through."""
    rng = np.random.default_rng(3)
    ids = [f"i{number:05d}" for number in range(NUM_ITEMS)]
    columns: dict[str, Any] = {
        "item_id": ids,
        "title": ids,
        "price_minor": rng.permutation(NUM_ITEMS),
        "available": rng.random(NUM_ITEMS) < 0.9,
    }
    # Small whole numbers: every sum is exact, so that ties and scores must agree to the last bit.
    vectors = rng.integers(-4, 5, (NUM_ITEMS, DIM)).astype(np.float32)
    return conform(pa.table(columns), ITEMS), vectors


@pytest.fixture(scope="module")
def shards(catalog: tuple[pa.Table, np.ndarray]) -> list[ShardIndex]:
    """The catalog in shards."""
    items, vectors = catalog
    owner = np.array([shard_of(item_id, SHARDS) for item_id in items.column("item_id").to_pylist()])
    return [
        ShardIndex.from_items(
            items.filter(pa.array(owner == shard)), vectors[owner == shard], Metric.INNER_PRODUCT
        )
        for shard in range(SHARDS)
    ]


def brute_force(items: pa.Table, vectors: np.ndarray, query: np.ndarray, limit: int) -> Candidates:
    """Filter, score, sort: nothing else."""
    passes = (items.column("price_minor").to_numpy() < limit) & items.column("available").to_numpy()
    scored = [
        (-float(score), item_id)
        for item_id, score, ok in zip(
            items.column("item_id").to_pylist(), vectors @ query, passes, strict=True
        )
        if ok
    ]
    best = sorted(scored)[:K]
    return Candidates(tuple(i for _, i in best), np.array([-s for s, _ in best], np.float32))


@pytest.mark.parametrize("share", [1.0, 0.1, 0.01, 0.0001])
def test_a_filter_of_any_width_gives_what_filtering_first_gives(
    catalog: tuple[pa.Table, np.ndarray], shards: list[ShardIndex], share: float
) -> None:
    items, vectors = catalog
    limit = int(NUM_ITEMS * share)
    where = parse_filter({"field": "price_minor", "op": "<", "value": limit})
    rng = np.random.default_rng(int(1 / share))
    for _ in range(20):
        query = rng.integers(-4, 5, DIM).astype(np.float32)
        parts = [shard.search(query[None, :], K, filter=where)[0] for shard in shards]
        found, wanted = merge_top_k(parts, K), brute_force(items, vectors, query, limit)
        assert found.item_ids == wanted.item_ids
        np.testing.assert_array_equal(found.scores, wanted.scores)
