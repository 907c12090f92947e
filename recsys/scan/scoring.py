"""Scores of queries against rows, and what makes a query acceptable."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.config import Metric
from recsys.errors import InputError
from recsys.scan.vectors import Vectors

MAX_NORM = 1e18
"""Longest vector accepted: no inner product of two such vectors leaves float32."""
ROWS_AT_ONCE = 16_384


def squares_of(rows: np.ndarray | Vectors) -> np.ndarray:
    """Squared norm of each row `[N, D]`, `[N] float64`; blockwise, so that a map is not copied whole."""
    starts = range(0, max(len(rows), 1), ROWS_AT_ONCE)
    blocks = (np.asarray(rows[start : start + ROWS_AT_ONCE], np.float64) for start in starts)
    return np.concatenate([np.einsum("nd,nd->n", block, block) for block in blocks])


def metric_scores(
    dots: np.ndarray, queries: np.ndarray, row_squares: np.ndarray, metric: Metric
) -> np.ndarray:
    """Scores `[B, N] float32` from inner products `[B, N] float32` of queries `[B, D]` and N rows.

    The inner product comes first and norms after it, in float64: on small-integer vectors the score
    is the exact one rounded once, so that it does not depend on how items are split into shards and
    equal directions tie. Cosine with a zero vector is 0; a squared distance is never below 0.
    """
    if metric is Metric.INNER_PRODUCT:
        return dots
    query_squares = squares_of(queries)[:, None]
    if metric is Metric.EUCLIDEAN:
        negative = 2.0 * dots.astype(np.float64)
        negative -= query_squares
        negative -= row_squares
        return np.asarray(np.minimum(negative, 0.0, out=negative).astype(np.float32))
    lengths = np.sqrt(row_squares) * np.sqrt(query_squares)
    lengths[lengths == 0.0] = np.inf
    return np.asarray(np.divide(dots, lengths, out=lengths).astype(np.float32))


def as_coded(vectors: np.ndarray, metric: Metric) -> np.ndarray:
    """Vectors `[N, D]` as a product quantiser takes them: under cosine their lengths must not matter."""
    if metric is not Metric.COSINE:
        return np.ascontiguousarray(vectors, np.float32)
    lengths = np.sqrt(squares_of(vectors))[:, None]
    return np.ascontiguousarray(vectors / np.where(lengths > 0.0, lengths, 1.0), np.float32)


def check_queries(queries: Any, dim: int) -> np.ndarray:
    """Queries as `[B, D] float32`.

    Raises `InputError` for another shape, for values that are not finite numbers, and for vectors
    longer than `MAX_NORM`.
    """
    try:
        with np.errstate(over="ignore"):
            checked = np.asarray(queries, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            "queries are not numbers", expected=f"[B, {dim}] float32", found=str(error)
        ) from error
    if checked.ndim != 2 or checked.shape[1] != dim:
        raise InputError("queries have another shape", expected=f"[B, {dim}]", found=str(checked.shape))
    # One look in the usual case: NaN and infinity are not below anything.
    if (squares_of(checked) <= MAX_NORM**2).all():
        return checked
    if not np.isfinite(checked).all():
        raise InputError("a query is not finite", expected="finite numbers", found="NaN or infinity")
    raise InputError("a query is too long", expected=f"a norm up to {MAX_NORM:g}", found="more")
