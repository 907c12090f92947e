"""Item vectors drawn to those of related items: personalised PageRank, a few sparse steps of it."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

TOLERANCE = 1e-6
"""Largest change of a number in one step at which the steps end."""
MOST_STEPS = 200
"""Enough for shares up to .93; each step brings the fixed point nearer by the share."""


def propagated(
    vectors: np.ndarray, adjacency: sp.spmatrix, share: float | np.ndarray, tolerance: float = TOLERANCE
) -> np.ndarray:
    """`V' = (1 - a) V + a D^-1 A V'` with unit rows, `[N, D] float32`.

    `vectors` are `[N, D]` unit (or zero) rows, `adjacency` is `[N, N]` with weights of at least 0, `share`
    the `a` of all rows or of each, `[N]`, in [0, 1). Rows without a neighbour and rows with a share of 0
    stay to the bit. A zero row with neighbours gets their mean direction.
    """
    shares = np.broadcast_to(np.asarray(share, np.float64), len(vectors))
    walk = row_means(adjacency)
    moving = (shares > 0.0) & (np.diff(walk.indptr) > 0)
    if not moving.any():
        return np.asarray(vectors, np.float32)
    pull = np.where(moving, shares, 0.0)[:, None]
    own = (1.0 - pull) * vectors.astype(np.float64)
    found = vectors.astype(np.float64)
    for _ in range(MOST_STEPS):
        before, found = found, own + pull * (walk @ found)
        if np.abs(found - before).max(initial=0.0) <= tolerance:
            break
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    moved = (found / np.where(lengths > 1e-9, lengths, 1.0)).astype(np.float32)
    return np.where(moving[:, None], moved, np.asarray(vectors, np.float32))


def row_means(adjacency: sp.spmatrix) -> sp.csr_matrix:
    """`D^-1 A`: each row's weights divided by their sum; rows without weights stay empty."""
    matrix = sp.csr_matrix(adjacency, dtype=np.float64)
    matrix.eliminate_zeros()
    sums = np.asarray(matrix.sum(1)).ravel()
    return sp.csr_matrix(sp.diags(1.0 / np.where(sums > 0.0, sums, 1.0)) @ matrix)
