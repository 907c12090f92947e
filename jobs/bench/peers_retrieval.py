"""What a user would pick instead of our retrieval, each behind one call on one core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jobs.bench.retrieval_data import Catalog, K, Questions, top_places

RECALL = 0.995
"""Recall@10 that a contestant with a setting is tuned to, and that is asked of ours."""
WIDTHS = (16, 32, 64, 128, 256, 512, 1024, 2048)
"""Settings tried for a graph's search and for candidates that are scored again, the cheapest first."""
NEIGHBOURS = 32
MAX_GRAPH_ROWS = 100_000
"""Graphs of more rows are not built, to keep the part short."""
THREAD_LISTS = Path("/proc/self/task")
# LanceDB reads this once, when it is imported. One thread for files too would make it wait for itself.
LANCE_THREADS = {"LANCE_CPU_THREADS": "1"}


@dataclass(frozen=True)
class Peer:
    """One contestant."""

    name: str
    search: Callable[[np.ndarray], Any]
    """What is timed: a query `[D] float32` to its ten best, in whatever form it comes."""
    rows: Callable[[Any], np.ndarray]
    """Row numbers in that form's answer; not timed."""
    exact: bool
    how: str
    """Setting, for the table."""


@contextmanager
def one_core() -> Iterator[None]:
    """Everything in this process on one core and each library on one thread; then as before."""
    import faiss
    import torch
    from threadpoolctl import threadpool_limits

    torch_threads, faiss_threads = torch.get_num_threads(), faiss.omp_get_max_threads()
    allowed = _pin(None)
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(torch_threads)
        faiss.omp_set_num_threads(faiss_threads)
        _pin(allowed)


def numpy_peer(vectors: np.ndarray) -> Peer:
    """A product and a partition."""
    return Peer("NumPy", lambda query: top_places(vectors @ query), _same, True, "product, argpartition")


def torch_peer(vectors: np.ndarray) -> Peer:
    """The same in torch."""
    import torch

    held = torch.from_numpy(vectors)

    def search(query: np.ndarray) -> Any:
        return torch.topk(torch.mv(held, torch.from_numpy(query)), K).indices

    return Peer("torch", search, lambda found: np.asarray(found.numpy()), True, "mv, topk")


def faiss_peers(catalog: Catalog, with_graph: bool) -> list[Peer]:
    """Flat, product-quantised codes with re-scoring, and a graph where one is affordable."""
    import faiss

    flat = faiss.IndexFlatIP(catalog.vectors.shape[1])
    flat.add(catalog.vectors)
    peers = [_faiss("FAISS flat", flat, None, True, "IndexFlatIP"), _faiss_codes(catalog, flat)]
    return [*peers, _faiss_graph(catalog)] if with_graph else peers


def usearch_peers(catalog: Catalog, with_graph: bool) -> list[Peer]:
    """The exact search over an array, and a graph where one is affordable."""
    from usearch.index import MetricKind, search

    def exact(query: np.ndarray) -> Any:
        return search(catalog.vectors, query, K, MetricKind.IP, exact=True, threads=1)

    peers = [Peer("usearch exact", exact, _keys, True, "float32")]
    return [*peers, _usearch_graph(catalog)] if with_graph else peers


def lance_peer(vectors: np.ndarray, folder: Path) -> Peer:
    """LanceDB without an index, in a table of its own inside `folder`."""
    os.environ.update(LANCE_THREADS)
    import lancedb
    import pyarrow as pa

    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    rows = pa.table({"row": pa.array(np.arange(len(vectors))), "vector": flat})
    table = lancedb.connect(folder).create_table(f"rows_{len(vectors)}", rows, mode="overwrite")

    def search(query: np.ndarray) -> Any:
        found = table.search(query).distance_type("dot").select(["row", "_distance"]).limit(K)
        return found.to_arrow()

    return Peer("LanceDB flat", search, lambda found: found["row"].to_numpy(), True, "no index, from disk")


def _faiss_codes(catalog: Catalog, flat: Any) -> Peer:
    import faiss

    dim = catalog.vectors.shape[1]
    codes = faiss.IndexPQFastScan(dim, dim // 4, 4, faiss.METRIC_INNER_PRODUCT)
    threads = faiss.omp_get_max_threads()
    # Sixteen centres a part are little work; threads would mostly wait for each other.
    faiss.omp_set_num_threads(1)
    codes.train(catalog.vectors[:: max(1, len(catalog.vectors) // 20_000)])
    faiss.omp_set_num_threads(threads)
    codes.add(catalog.vectors)
    refined = faiss.IndexRefine(codes, flat)

    def widened(width: int) -> Any:
        return faiss.IndexRefineSearchParameters(k_factor=width / K)

    return _tuned("FAISS PQ fast scan, refined", refined, catalog.tuning, widened, "{} re-scored")


def _faiss_graph(catalog: Catalog) -> Peer:
    import faiss

    graph = faiss.IndexHNSWFlat(catalog.vectors.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.add(catalog.vectors)

    def widened(width: int) -> Any:
        return faiss.SearchParametersHNSW(efSearch=width)

    return _tuned("FAISS HNSW", graph, catalog.tuning, widened, f"M={NEIGHBOURS}, efSearch={{}}")


def _usearch_graph(catalog: Catalog) -> Peer:
    from usearch.index import Index, MetricKind

    graph = Index(ndim=catalog.vectors.shape[1], metric=MetricKind.IP, dtype="f32", connectivity=NEIGHBOURS)
    graph.add(np.arange(len(catalog.vectors)), catalog.vectors)
    for width in WIDTHS:
        graph.expansion_search = width
        found = graph.search(catalog.tuning.vectors, K)
        if catalog.tuning.recall([*range(len(found))], list(found.keys)) >= RECALL:
            break
    how = f"connectivity={NEIGHBOURS}, expansion_search={graph.expansion_search}"
    return Peer("usearch HNSW", lambda query: graph.search(query, K, threads=1), _keys, False, how)


def _tuned(name: str, index: Any, tuning: Questions, widened: Callable[[int], Any], how: str) -> Peer:
    """The cheapest setting with enough recall, or the widest."""
    width = WIDTHS[-1]
    for width in WIDTHS:
        _, found = index.search(tuning.vectors, K, params=widened(width))
        if tuning.recall([*range(len(found))], list(found)) >= RECALL:
            break
    return _faiss(name, index, widened(width), False, how.format(width))


def _faiss(name: str, index: Any, params: Any, exact: bool, how: str) -> Peer:
    def search(query: np.ndarray) -> Any:
        return index.search(query[None], K, params=params)[1]

    return Peer(name, search, lambda found: np.asarray(found[0]), exact, how)


def _same(found: Any) -> np.ndarray:
    return np.asarray(found)


def _keys(found: Any) -> np.ndarray:
    return np.asarray(found.keys)


def _pin(cores: set[int] | None) -> set[int]:
    """Every thread of this process on these cores, on one when None; where threads were before."""
    if not hasattr(os, "sched_setaffinity"):
        return set()
    before = os.sched_getaffinity(0)
    for thread in THREAD_LISTS.iterdir():
        try:
            os.sched_setaffinity(int(thread.name), cores or {max(before)})
        except ProcessLookupError:
            continue  # it has ended since
    return before
