"""Compressing a shard's rows, with the recall that it then has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import faiss
import numpy as np

from recsys.config import Metric
from recsys.scan.compressed import MEASURED_K, CompressedScan
from recsys.scan.exact import scan
from recsys.scan.rows import Allowed, Rows
from recsys.scan.scoring import as_coded

MIN_ROWS = 1_000
"""Fewer rows are not compressed: there is nothing to learn sixteen centres a part from."""
TRAINING_ROWS = 20_000
ROWS_AT_ONCE = 65_536
NUM_QUERIES = 256
WIDTHS = (4, 2)
"""Columns that share one 4-bit code: 48 bytes a row at 384 dimensions, then 96."""
RERANKS = (50, 100, 200, 400, 800)
"""Candidates tried for each width, the fewest first."""


@dataclass(frozen=True)
class Calibrated:
    """A compressed scan and its recall@10; no scan where none reaches the floor."""

    scan: CompressedScan | None
    recall: float
    """Of the scan, or of the widest that was tried; 1 where nothing was."""


def calibrate(rows: Rows, floor: float, seed: int = 0) -> Calibrated:
    """Compress rows `[N, D]` and widen the re-scoring until recall@10 is at least `floor`.

    Queries are as a shopper's are: items, and means of three, with these items themselves hidden.
    """
    if len(rows.vectors) < MIN_ROWS:
        return Calibrated(None, 1.0)
    questions = _Questions.draw(rows, seed)
    truth, recall = questions.answers(rows, None), 0.0
    for width in WIDTHS:
        codes = _codes(rows, width)
        for rerank in RERANKS:
            tried = CompressedScan(codes, rerank)
            recall = _recall(truth, questions.answers(rows, tried))
            if recall >= floor:
                return Calibrated(tried, recall)
    return Calibrated(None, recall)


@dataclass(frozen=True)
class _Questions:
    vectors: np.ndarray
    hidden: list[np.ndarray]

    @classmethod
    def draw(cls, rows: Rows, seed: int) -> _Questions:
        rng = np.random.default_rng(seed)
        taken = [
            np.sort(rng.choice(len(rows.vectors), 1 + 2 * (n % 2), replace=False)) for n in range(NUM_QUERIES)
        ]
        return cls(np.stack([rows.vectors[own].mean(axis=0) for own in taken]), taken)

    def answers(self, rows: Rows, compressed: CompressedScan | None) -> list[np.ndarray]:
        allowed = Allowed(np.ones(len(rows.vectors), bool))
        search = scan if compressed is None else compressed.search
        return [numbers for numbers, _ in search(self.vectors, MEASURED_K, rows, allowed, self.hidden)]


def _recall(truth: list[np.ndarray], found: list[np.ndarray]) -> float:
    hits = [len(np.intersect1d(right, own)) / len(right) for right, own in zip(truth, found, strict=True)]
    return float(np.mean(hits))


def _codes(rows: Rows, width: int) -> faiss.IndexPQFastScan:
    dim = rows.vectors.shape[1]
    metric = faiss.METRIC_L2 if rows.metric is Metric.EUCLIDEAN else faiss.METRIC_INNER_PRODUCT
    codes = faiss.IndexPQFastScan(dim, _num_parts(dim, width), 4, metric)
    step = max(1, len(rows.vectors) // TRAINING_ROWS)
    codes.train(as_coded(rows.vectors[np.arange(0, len(rows.vectors), step)[:TRAINING_ROWS]], rows.metric))
    for block in _blocks(len(rows.vectors)):
        codes.add(as_coded(rows.vectors[block], rows.metric))
    return codes


def _num_parts(dim: int, width: int) -> int:
    """Parts of `width` columns where they divide the dimensions, else of half as many."""
    return next(dim // part for part in (width, width // 2, 1) if part and dim % part == 0)


def _blocks(num_rows: int) -> Iterator[slice]:
    for start in range(0, num_rows, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, num_rows))
