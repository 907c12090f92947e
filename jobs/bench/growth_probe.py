"""Searches a version in a process of its own, where its memory and threads are nobody else's.

Started as a process: `python -m jobs.bench.growth_probe WORKSPACE QUERIES.npy`; prints one JSON line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from jobs.bench.processes import memory_of
from recsys.errors import StoreError
from recsys.index import current_version, load_manifest
from recsys.retrieval import Candidates, ShardIndex, merge_top_k
from recsys.workspace import Workspace

K = 10
EXACT_QUERIES = 24
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
WORKERS = 2


@dataclass(frozen=True)
class Probed:
    """What searching one version takes; times are of one query, one thread unless said otherwise."""

    open_s: float
    """Verifying and mapping all shards."""
    resident_bytes: int
    """Memory that opening and searching added, mapped files included."""
    own_bytes: int
    """The part of it that is no mapped file."""
    exact_ms: tuple[float, ...]
    """All shards one after the other, every row scored."""
    compressed_ms: tuple[float, ...]
    """All shards one after the other, as they are built."""
    workers_ms: tuple[float, ...]
    """As `compressed_ms`, shards shared by two threads, merge included."""
    merge_ms: tuple[float, ...]
    """Putting the shards' lists together."""
    recall: float
    """recall@10 of `compressed_ms` against `exact_ms`."""


def probe(workspace: Workspace, queries: Path) -> Probed:
    """Run this module as a process; raises `StoreError` when it fails."""
    command = [sys.executable, "-m", "jobs.bench.growth_probe", str(workspace.root), str(queries)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD})
    if done.returncode:
        raise StoreError("an index could not be searched", found=done.stderr[-500:])
    return TypeAdapter(Probed).validate_json(done.stdout.splitlines()[-1])


def measure(workspace: Workspace, queries: np.ndarray) -> Probed:
    """Search the published version for `queries` `[Q, D] float32` in this process."""
    before = memory_of(os.getpid())
    manifest = load_manifest(workspace, current_version(workspace))
    start = time.perf_counter()
    shards = [ShardIndex.open(workspace, manifest, number) for number in range(manifest.num_shards)]
    open_s = time.perf_counter() - start
    exact = _times(lambda query: _each(shards, query, exact=True), queries[:EXACT_QUERIES])
    compressed = _times(lambda query: _each(shards, query, exact=False), queries)
    lists = [_each(shards, query[None, :], exact=False) for query in queries]
    merge = _times(lambda place: merge_top_k(lists[place[0, 0]], K), np.arange(len(lists))[:, None])
    with ThreadPoolExecutor(WORKERS) as pool:
        workers = _times(lambda query: _together(pool, shards, query), queries)
    after = memory_of(os.getpid())
    return Probed(
        open_s,
        after.resident - before.resident,
        after.own - before.own,
        exact,
        compressed,
        workers,
        merge,
        _recall(shards, queries),
    )


def _each(shards: Sequence[ShardIndex], query: np.ndarray, *, exact: bool) -> list[Candidates]:
    return [shard.search(query, K, exact=exact)[0] for shard in shards]


def _together(pool: ThreadPoolExecutor, shards: Sequence[ShardIndex], query: np.ndarray) -> Candidates:
    return merge_top_k(list(pool.map(lambda shard: shard.search(query, K)[0], shards)), K)


def _times(call: Callable[[np.ndarray], object], values: np.ndarray) -> tuple[float, ...]:
    """Milliseconds of one call for each row `[1, ...]`, after one that is not counted."""
    call(values[:1])
    found = []
    for place in range(len(values)):
        start = time.perf_counter()
        call(values[place : place + 1])
        found.append(1e3 * (time.perf_counter() - start))
    return tuple(found)


def _recall(shards: Sequence[ShardIndex], queries: np.ndarray) -> float:
    """Of the merged lists; exact ones are made for all queries at once."""
    found = [
        [merge_top_k(list(lists), K).item_ids for lists in zip(*answers, strict=True)]
        for exact in (True, False)
        for answers in [[shard.search(queries, K, exact=exact) for shard in shards]]
    ]
    return float(
        np.mean([len(set(right) & set(own)) / len(right) for right, own in zip(*found, strict=True)])
    )


if __name__ == "__main__":
    answer = measure(Workspace(Path(sys.argv[1])), np.load(sys.argv[2], allow_pickle=False))
    sys.stdout.write(json.dumps(asdict(answer)) + "\n")
