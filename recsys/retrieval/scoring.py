"""Scores of queries against rows, and the exact choice of the best."""

from __future__ import annotations

import numpy as np

from recsys.config import Metric
from recsys.errors import InputError


def squares_of(rows: np.ndarray) -> np.ndarray:
    """Squared norm of each row, `[N] float32`; in blocks, so that a memory map is not copied whole."""
    squares = np.empty(len(rows), np.float32)
    for start in range(0, len(rows), 16_384):
        block = rows[start : start + 16_384]
        squares[start : start + len(block)] = np.einsum("nd,nd->n", block, block)
    return squares


def score_rows(queries: np.ndarray, rows: np.ndarray, row_squares: np.ndarray, metric: Metric) -> np.ndarray:
    """Scores `[B, N] float32` of queries `[B, D]` against rows `[N, D]`.

    The inner product comes first and norms after it: on small-integer vectors it is exact, so that
    scores do not depend on how items are split into shards. Cosine with a zero vector is 0.
    """
    dots: np.ndarray = queries @ rows.T if len(queries) > 1 else (rows @ queries[0])[None, :]
    if metric is Metric.INNER_PRODUCT:
        return dots
    query_squares = np.einsum("bd,bd->b", queries, queries)[:, None]
    if metric is Metric.EUCLIDEAN:
        return np.asarray(2.0 * dots - query_squares - row_squares[None, :])
    lengths = np.sqrt(query_squares) * np.sqrt(row_squares)[None, :]
    return np.asarray(np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths > 0))


def best_rows(scores: np.ndarray, k: int) -> np.ndarray:
    """Indices of the best `k` of `[N]` scores: score descending, then index ascending, exactly."""
    if k <= 0 or len(scores) == 0:
        return np.empty(0, np.int64)
    if k < len(scores):
        bound = np.partition(scores, len(scores) - k)[len(scores) - k]
        tied = np.flatnonzero(scores >= bound)  # every tie at the bound, not the ones partition met first
    else:
        tied = np.arange(len(scores))
    return tied[np.argsort(-scores[tied], kind="stable")[:k]]


def check_queries(queries: np.ndarray, dim: int) -> np.ndarray:
    """Queries as `[B, D] float32`; raises `InputError` for another shape or values not finite."""
    queries = np.asarray(queries, np.float32)
    if queries.ndim != 2 or queries.shape[1] != dim:
        raise InputError("queries have another shape", expected=f"[B, {dim}]", found=str(queries.shape))
    if not np.isfinite(queries).all():
        raise InputError("a query is not finite", found="NaN or infinity")
    return queries
