"""A catalog of vectors with questions and their exact answers, for the retrieval part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from jobs.bench.vectors import vectors_and_queries
from recsys.schemas import ITEMS

K = 10
"""Places asked for."""
NUM_QUERIES = 256
NUM_TUNING = 1_024
"""A graph misses all places of few questions: 256 do not tell .98 from .995."""
MAX_TUNING_ROWS = 100_000
"""Above it 256 questions have to do: exact answers take long, and no graph is built."""
ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class Questions:
    """Query vectors `[Q, D] float32` of unit length and the rows that are right for each, `[Q, K]`."""

    vectors: np.ndarray
    truth: np.ndarray

    def recall(self, places: list[int], found: list[np.ndarray]) -> float:
        """Mean share of the right rows among those found for the queries at `places`; NaN for none."""
        pairs = zip(places, found, strict=True)
        shares = [len(np.intersect1d(self.truth[place], rows)) / K for place, rows in pairs]
        return float(np.mean(shares)) if shares else float("nan")


@dataclass(frozen=True, eq=False)
class Catalog:
    """`vectors [N, D] float32` of unit length, an item for each, and questions from the same source."""

    vectors: np.ndarray
    items: pa.Table
    """`ITEMS`; the id is the row number with leading zeros, `price_minor` a permutation of 0 … N-1."""
    asked: Questions
    tuning: Questions
    """For choosing a contestant's setting; never measured."""

    @classmethod
    def make(cls, num_rows: int, seed: int) -> Self:
        """`num_rows` items, 256 questions that are no items, and more of them for tuning."""
        num_tuning = NUM_TUNING if num_rows <= MAX_TUNING_ROWS else NUM_QUERIES
        vectors, others = vectors_and_queries(num_rows, NUM_QUERIES + num_tuning, seed)
        asked, tuning = others[:NUM_QUERIES], others[NUM_QUERIES:]
        prices = np.random.default_rng(seed).permutation(num_rows)
        every = np.arange(num_rows)
        return cls(
            vectors,
            items_of(prices),
            Questions(asked, exact_rows(vectors, every, asked)),
            Questions(tuning, exact_rows(vectors, every, tuning)),
        )

    def cheapest(self, num_rows: int) -> np.ndarray:
        """Ascending rows of the `num_rows` items with the lowest prices."""
        prices: np.ndarray = self.items.column("price_minor").to_numpy()
        return np.flatnonzero(prices < num_rows)


def exact_rows(vectors: np.ndarray, rows: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The `K` of `rows` with the largest inner products for each query, best first, `[Q, K]`."""
    scores = np.empty((len(queries), 0), np.float32)
    best = np.empty((len(queries), 0), np.int64)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE]
        part = vectors[block[0] : block[-1] + 1] if len(rows) == len(vectors) else vectors[block]
        scores = np.concatenate([scores, queries @ part.T], axis=1)
        best = np.concatenate([best, np.broadcast_to(block, (len(queries), len(block)))], axis=1)
        order = top_places(scores)
        scores, best = np.take_along_axis(scores, order, 1), np.take_along_axis(best, order, 1)
    return best


def top_places(scores: np.ndarray) -> np.ndarray:
    """Places of the `K` largest along the last axis, best first; all of them when there are fewer."""
    num_kept = min(K, scores.shape[-1])
    kept = np.argpartition(scores, -num_kept, axis=-1)[..., -num_kept:]
    order = np.argsort(-np.take_along_axis(scores, kept, -1), axis=-1, kind="stable")
    return np.take_along_axis(kept, order, -1)


def items_of(prices: np.ndarray) -> pa.Table:
    """`ITEMS` in row order with these prices `[N] int64`, all available."""
    num_rows = len(prices)
    known = {
        "item_id": pa.array([f"{row:08d}" for row in range(num_rows)]),
        "title": pa.array([""] * num_rows),
        "price_minor": pa.array(prices, pa.int64()),
        "available": pa.array(np.ones(num_rows, bool)),
    }
    columns = [known.get(field.name, pa.nulls(num_rows, field.type)) for field in ITEMS]
    return pa.Table.from_arrays(columns, schema=ITEMS)
