"""Only the strongest neighbours are kept."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

COLUMNS_AT_ONCE = 512
DENSE_FROM = 0.02
"""Share of filled cells from which selecting among all is faster than sorting the filled ones."""


def prune(weights: np.ndarray | sp.spmatrix, num_neighbours: int) -> sp.csr_matrix:
    """`[N, N] float32` with at most `num_neighbours` entries in each column, the largest by size.

    A column holds what speaks for one item, so that the cost of scoring an item is bounded.
    """
    columns = sp.csc_matrix(weights) if sp.issparse(weights) else np.asarray(weights)
    size = columns.shape[1]
    parts = [
        _strongest(columns[:, start : start + COLUMNS_AT_ONCE], num_neighbours)
        for start in range(0, size, COLUMNS_AT_ONCE)
    ]
    return sp.hstack(parts, format="csr") if parts else sp.csr_matrix((size, size), dtype=np.float32)


def strongest_in_rows(rows: np.ndarray, num: int) -> sp.csr_matrix:
    """Dense rows with their `num` entries largest by size only; `[M, N] float32`."""
    if num >= rows.shape[1]:
        return sp.csr_matrix(rows, dtype=np.float32)
    places = np.argpartition(-np.abs(rows), num - 1, axis=1)[:, :num]
    places.sort(axis=1)
    values = np.take_along_axis(rows, places, axis=1).astype(np.float32)
    starts = np.arange(0, num * len(rows) + 1, num)
    kept = sp.csr_matrix((values.ravel(), places.ravel(), starts), shape=rows.shape)
    kept.eliminate_zeros()
    return kept


def _strongest(columns: np.ndarray | sp.csc_matrix, num: int) -> sp.csc_matrix:
    if isinstance(columns, np.ndarray):
        return strongest_in_rows(np.ascontiguousarray(columns.T), num).T
    if columns.nnz < DENSE_FROM * columns.shape[0] * columns.shape[1]:
        return _strongest_sparse(sp.csc_matrix(columns), num)
    return _strongest(columns.toarray(), num)


def _strongest_sparse(columns: sp.csc_matrix, num: int) -> sp.csc_matrix:
    lengths = np.diff(columns.indptr)
    owner = np.repeat(np.arange(columns.shape[1]), lengths)
    order = np.lexsort((columns.indices, -np.abs(columns.data), owner))
    place = np.arange(len(order)) - columns.indptr[owner[order]]
    kept = order[place < num]
    data = (columns.data[kept].astype(np.float32), (columns.indices[kept], owner[kept]))
    return sp.csc_matrix(data, shape=columns.shape)
