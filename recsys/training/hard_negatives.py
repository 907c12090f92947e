"""Items that are near but were not chosen."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

ROWS_AT_ONCE = 512


def hard_negatives(
    anchors: np.ndarray,
    vectors: np.ndarray,
    together: sp.csr_matrix,
    num: int,
    ranks: tuple[int, int],
    seed: int,
) -> np.ndarray:
    """`[P, num] int32`: items drawn from the given ranks of nearness to each anchor item `[P]`.

    Items that anybody acted on together with the anchor (`together` `[N, N]`) are never drawn; where
    a small catalog has too few others, any item in range is. Ranks are cut to the catalog.
    """
    generator = np.random.default_rng(seed)
    low, high = min(ranks[0], len(vectors) // 3), min(ranks[1], len(vectors) - 1)
    items, inverse = np.unique(anchors, return_inverse=True)
    near = np.empty((len(items), max(high - low, 1)), np.int32)
    for start in range(0, len(items), ROWS_AT_ONCE):
        part = items[start : start + ROWS_AT_ONCE]
        scores = vectors[part] @ vectors.T
        scores[np.arange(len(part)), part] = -np.inf
        known = together[part].tocoo()
        scores[known.row, known.col] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")
        near[start : start + len(part)] = order[:, low : low + near.shape[1]]
    drawn = generator.integers(0, near.shape[1], (len(anchors), num))
    return np.asarray(near[inverse[:, None], drawn], np.int32)
