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
    return pulled_weights(inverse, regularisation, vectors, pull, text_ridge)


def pulled_weights(
    inverse: np.ndarray, regularisation: float, vectors: np.ndarray, pull: float, text_ridge: float = 3.0
) -> np.ndarray:
    """`text_regularised_ease` for an inverse at hand; several pulls share the costly inversion.

    With `P` the inverse of `G + regularisation * I`, `P @ G` is `I - regularisation * P`, and `C` is a product of rank `D`
    less its diagonal: nothing here is cubic in the number of items.
    """
    if pull == 0.0:
        return _zero_diagonal(inverse / -np.diag(inverse)[None, :])
    left, right, own = _text_factors(np.asarray(vectors, np.float32), text_ridge)
    weights: np.ndarray = (inverse @ left) @ (np.float32(pull) * right)
    weights -= inverse * (np.float32(regularisation) + np.float32(pull) * own)[None, :]
    weights[np.diag_indices(len(weights))] += 1.0
    weights -= inverse * (np.diag(weights) / np.diag(inverse))[None, :]
    return _zero_diagonal(weights)


def text_weights(vectors: np.ndarray, ridge: float) -> np.ndarray:
    """EASE on texts, `[N, N] float32`: how one item's text is made of the others'."""
    left, right, _ = _text_factors(np.asarray(vectors, np.float32), ridge)
    return _zero_diagonal(left @ right)


def _text_factors(rows: np.ndarray, ridge: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`left [N, D] @ right [D, N]` are the text weights, but for the diagonal `own [N]` they must lose.

    The Gram matrix has rank `D`, so that its inverse needs a `[D, D]` system only (Woodbury).
    """
    small = rows.T @ rows + np.float32(ridge) * np.eye(rows.shape[1], dtype=np.float32)
    right: np.ndarray = sl.solve(small, rows.T, assume_a="pos")
    taken = np.einsum("nd,dn->n", rows, right)
    right /= (1.0 - taken)[None, :]
    return rows, right, taken / (1.0 - taken)


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
