"""Closed-form item-item regression, alone and pulled towards what texts say."""

from __future__ import annotations

import numpy as np
import scipy.linalg as sl
import scipy.sparse as sp


def ease(counts: sp.csr_matrix, regularisation: float) -> np.ndarray:
    """EASE (Steck 2019): `[N, N] float32` weights with a zero diagonal from co-occurrence counts.

    `score = x @ B` for a history `x`. Cost is one inversion: cubic time, three `[N, N] float32`.
    """
    inverse = regularised_inverse(counts, regularisation)
    return _zero_diagonal(inverse / -np.diag(inverse)[None, :])


def text_regularised_ease(
    counts: sp.csr_matrix, vectors: np.ndarray, regularisation: float, pull: float, text_ridge: float = 3.0
) -> np.ndarray:
    """EASE whose weights are drawn towards a text model's (L3AE, Moon et al. 2025, arXiv 2508.13500).

    Minimises `|X - XB|^2 + (regularisation - pull)|B|^2 + pull |B - C|^2` under a zero diagonal, where
    `C` is EASE on the Gram matrix of `vectors` `[N, D]`. With `pull` 0 it is `ease`. An item without
    events gets its weights from `C` alone.
    """
    inverse = regularised_inverse(counts, regularisation)
    return pulled_weights(counts, inverse, vectors, pull, text_ridge)


def pulled_weights(
    counts: sp.csr_matrix, inverse: np.ndarray, vectors: np.ndarray, pull: float, text_ridge: float = 3.0
) -> np.ndarray:
    """`text_regularised_ease` for an inverse at hand; several pulls share the costly inversion."""
    if pull == 0.0:
        return _zero_diagonal(inverse / -np.diag(inverse)[None, :])
    target = counts.toarray().astype(np.float32)
    target += np.float32(pull) * text_weights(vectors, text_ridge)
    weights: np.ndarray = inverse @ target
    del target
    weights -= inverse * (np.diag(weights) / np.diag(inverse))[None, :]
    return _zero_diagonal(weights)


def text_weights(vectors: np.ndarray, ridge: float) -> np.ndarray:
    """EASE on texts, `[N, N] float32`: how one item's text is made of the others'.

    The Gram matrix has rank `D`, so that its inverse needs a `[D, D]` system only (Woodbury).
    """
    rows = np.asarray(vectors, np.float32)
    small = rows.T @ rows + np.float32(ridge) * np.eye(rows.shape[1], dtype=np.float32)
    inverse: np.ndarray = rows @ -sl.solve(small, rows.T, assume_a="pos")
    inverse[np.diag_indices(len(inverse))] += 1.0
    return _zero_diagonal(np.asarray(inverse / -np.diag(inverse)[None, :], np.float32))


def _zero_diagonal(weights: np.ndarray) -> np.ndarray:
    np.fill_diagonal(weights, 0.0)
    return weights


def mean_users(counts: sp.csr_matrix) -> float:
    """Mean number of users of an item; ridges are tried as multiples of it, so that they fit any shop."""
    return max(float(counts.diagonal().mean()), 1.0) if counts.shape[0] else 1.0


def regularised_inverse(counts: sp.csr_matrix, regularisation: float) -> np.ndarray:
    """Inverse of `counts + regularisation * I`, `[N, N] float32`, by Cholesky in place."""
    gram = counts.toarray().astype(np.float32)
    gram[np.diag_indices(len(gram))] += np.float32(regularisation)
    factor = sl.lapack.spotrf(gram.T, lower=1, overwrite_a=1, clean=0)[0]
    inverse = sl.lapack.spotri(factor, lower=1, overwrite_c=1)[0]
    return _mirrored(inverse)


def _mirrored(lower: np.ndarray, block: int = 1024) -> np.ndarray:
    size = len(lower)
    for start in range(0, size, block):
        stop = min(start + block, size)
        tile = lower[start:stop, start:stop]
        lower[start:stop, start:stop] = np.tril(tile) + np.tril(tile, -1).T
        lower[start:stop, stop:] = lower[stop:, start:stop].T
    return lower
