"""Which vectors an index takes."""

from __future__ import annotations

import numpy as np

from recsys.errors import InputError

MAX_NORM = 1e18
"""Longest vector accepted: no inner product of two such vectors leaves float32."""
ROWS_AT_ONCE = 16_384


def squares_of(rows: np.ndarray) -> np.ndarray:
    """Squared norm of each row `[N, D]`, `[N] float64`; blockwise, so that a map is not copied whole."""
    squares = np.empty(len(rows), np.float64)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = np.asarray(rows[start : start + ROWS_AT_ONCE], np.float64)
        squares[start : start + len(block)] = np.einsum("nd,nd->n", block, block)
    return squares


def check_vectors(embeddings: np.ndarray) -> None:
    """Raise `InputError` unless every row of `[N, D]` is finite and no longer than `MAX_NORM`."""
    # NaN compares false, so the test is for what is accepted.
    fits = squares_of(embeddings) <= MAX_NORM**2
    if not fits.all():
        raise InputError(
            "an item embedding is not finite or too long",
            expected=f"finite numbers, norm up to {MAX_NORM:g}",
            found=f"row {int(np.flatnonzero(~fits)[0])}",
        )
