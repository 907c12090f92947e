"""One question to a catalog of vectors: ours beside what a user would pick instead."""

from __future__ import annotations

import numpy as np

from jobs.bench.peers_retrieval import (
    MAX_GRAPH_ROWS,
    RECALL,
    Peer,
    faiss_peers,
    lance_peer,
    numpy_peer,
    one_core,
    torch_peer,
    usearch_peers,
)
from jobs.bench.retrieval_data import NUM_QUERIES, Catalog, K
from jobs.bench.retrieval_filters import SHARES, batch, filtered, row_numbers
from jobs.bench.retrieval_report import (
    COMPRESSED,
    EXACT,
    AtSize,
    figures,
    latency_plot,
    notes,
    recall_plot,
    tables,
    targets,
)
from jobs.bench.retrieval_turns import in_turns
from jobs.bench.section import BenchSettings, Section
from recsys.config import Metric
from recsys.query import Query
from recsys.retrieval import Candidates, ShardIndex
from recsys.scan import Rows, Vectors
from recsys.scan.calibration import calibrate

SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (1_500, 3_000)
MAX_TURN_ROWS = 100_000
"""Up to so many rows a turn asks twenty questions, above it five."""
SEED = 7


def run(settings: BenchSettings) -> Section:
    """Latency and recall@10 of one question, ten places, one core, at growing numbers of items.

    At most 10 GB of memory. Raises what a peer raises.
    """
    sizes = [_measure(num_rows, settings) for num_rows in (QUICK_SIZES if settings.quick else SIZES)]
    return Section(
        name="retrieval",
        title="Retrieval",
        tables=tuple(table for size in sizes for table in tables(size)),
        targets=tuple(target for size in sizes for target in targets(size)),
        notes=notes(sizes),
        plots=(latency_plot(sizes), *(recall_plot(size) for size in sizes[-2:])),
        figures={str(size.num_rows): figures(size) for size in sizes},
    )


def _measure(num_rows: int, settings: BenchSettings) -> AtSize:
    settings.say(f"{num_rows:,} items: vectors and exact answers")
    catalog = Catalog.make(num_rows, SEED)
    settings.say(f"{num_rows:,} items: building what is compared")
    with one_core():  # learning the codes is little work; on a busy machine threads wait for each other
        index, how = _shard(catalog)
    peers = [*_peers(catalog, settings), *_ours(index, how)]
    per_turn, rounds = (20 if num_rows <= MAX_TURN_ROWS else 5), settings.rounds
    with one_core():
        settings.say(f"{num_rows:,} items: one question")
        taken, answers = in_turns(peers, catalog.asked, per_turn, rounds)
        settings.say(f"{num_rows:,} items: filters")
        filters = [
            filtered(catalog, index, share, per_turn, rounds) for share in SHARES if share * num_rows >= K
        ]
        settings.say(f"{num_rows:,} items: {NUM_QUERIES} questions together")
        in_batch, batch_recall = batch(catalog, index, rounds)
    return AtSize(num_rows, taken, answers, filters, in_batch, batch_recall)


def _peers(catalog: Catalog, settings: BenchSettings) -> list[Peer]:
    with_graph = len(catalog.vectors) <= MAX_GRAPH_ROWS
    return [
        numpy_peer(catalog.vectors),
        torch_peer(catalog.vectors),
        *faiss_peers(catalog, with_graph),
        *usearch_peers(catalog, with_graph),
        lance_peer(catalog.vectors, settings.folder / "lance"),
    ]


def _shard(catalog: Catalog) -> tuple[ShardIndex, str]:
    """A shard as an index version has it, and its setting."""
    vectors, metric = Vectors(catalog.vectors), Metric.COSINE
    found = calibrate(Rows(vectors, metric), RECALL)
    how = f"{found.scan.rerank} re-scored" if found.scan else "not compressed: too little recall"
    return ShardIndex(catalog.items, vectors, metric, None, found.scan), how


def _ours(index: ShardIndex, how: str) -> list[Peer]:
    def exact(query: np.ndarray) -> list[Candidates]:
        return index.search([Query(query)], K, exact=True)

    def compressed(query: np.ndarray) -> list[Candidates]:
        return index.search([Query(query)], K)

    return [
        Peer(EXACT, exact, row_numbers, True, "float32, cosine"),
        Peer(COMPRESSED, compressed, row_numbers, False, f"4-bit pass, {how}"),
    ]
