"""Our search under filters and in batches, beside NumPy on rows that were filtered beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from jobs.bench.measure import Spread, seconds, side_by_side
from jobs.bench.peers_retrieval import Peer
from jobs.bench.retrieval_data import Catalog, K, Questions, exact_rows, top_places
from jobs.bench.retrieval_turns import MS, in_turns
from recsys.filters import Filter, parse_filter
from recsys.query import Query
from recsys.retrieval import Candidates, ShardIndex

SHARES = (1.0, 0.1, 0.01, 0.001, 0.0001)
NUMPY_BATCH = 64
"""Queries that NumPy multiplies at a time: by a million rows their scores take 256 MB."""
OURS, NEW, NUMPY = "ours", "ours, filter never seen", "NumPy"


@dataclass(frozen=True)
class Filtered:
    """One share of allowed rows."""

    share: float
    num_rows: int
    taken: dict[str, Spread]
    """Milliseconds a query: `OURS` (the filter was asked before), `NEW`, `NUMPY`."""
    recall: float
    """Recall@10 of ours among the allowed rows."""


def filtered(catalog: Catalog, index: ShardIndex, share: float, per_turn: int, rounds: int) -> Filtered:
    """Ours under a price limit beside NumPy on a copy of the rows that pass."""
    num_rows = round(share * len(catalog.vectors))
    rows = catalog.cheapest(num_rows)
    asked = Questions(catalog.asked.vectors, exact_rows(catalog.vectors, rows, catalog.asked.vectors))
    peers = [_seen(index, num_rows), _never_seen(index, num_rows), _numpy(catalog, rows)]
    taken, answers = in_turns(peers, asked, per_turn, rounds)
    return Filtered(share, num_rows, taken, answers[OURS].recall)


def batch(catalog: Catalog, index: ShardIndex, rounds: int) -> tuple[dict[str, Spread], float]:
    """Milliseconds a query in a batch, ours of 256 and NumPy of 64, and our recall@10."""
    queries = catalog.asked.vectors
    asked = [Query(vector) for vector in queries]
    part = queries[:NUMPY_BATCH]
    contestants = {
        OURS: lambda: seconds(lambda: index.search(asked, K)) * MS / len(queries),
        NUMPY: lambda: seconds(lambda: top_places(part @ catalog.vectors.T)) * MS / len(part),
    }
    taken = side_by_side(contestants, rounds)
    found = [row_numbers([one]) for one in index.search(asked, K)]
    return taken, catalog.asked.recall([*range(len(found))], found)


def row_numbers(found: list[Candidates]) -> np.ndarray:
    """The rows of a search for one question, best first."""
    (answer,) = found
    return np.array([int(item_id) for item_id in answer.item_ids])


def _seen(index: ShardIndex, num_rows: int) -> Peer:
    limit = parse_filter({"field": "price_minor", "op": "<", "value": num_rows})
    return Peer(OURS, lambda query: index.search([Query(query)], K, filter=limit), row_numbers, False, "")


def _never_seen(index: ShardIndex, num_rows: int) -> Peer:
    # Prices start at 0, so each of these limits lets the same rows pass and is a filter of its own.
    filters = (_between(-1 - number, num_rows) for number in count())

    def search(query: np.ndarray) -> list[Candidates]:
        return index.search([Query(query)], K, filter=next(filters))

    return Peer(NEW, search, row_numbers, True, "")


def _between(low: int, high: int) -> Filter:
    bounds = [(">=", low), ("<", high)]
    return parse_filter({"all": [{"field": "price_minor", "op": op, "value": value} for op, value in bounds]})


def _numpy(catalog: Catalog, rows: np.ndarray) -> Peer:
    part = np.ascontiguousarray(catalog.vectors[rows])
    return Peer(NUMPY, lambda query: rows[top_places(part @ query)], np.asarray, True, "")
