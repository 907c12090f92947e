"""How many different users stand behind a pair of items, and matrices without pairs of too few."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def users_behind(users: np.ndarray, left: sp.csr_matrix, right: sp.csr_matrix) -> sp.csr_matrix:
    """`[N, N] int64`: users with an example in which `left` has the row's item and `right` the column's.

    `users` `[T]` says whose the examples `left` and `right` (`[T, N]`) are; what counts is which cells
    are stored, not their values, and a user counts once for a pair however often it comes.
    """
    (first, first_items), (second, second_items) = (_own_columns(users, part) for part in (left, right))
    pairs = (first.T @ second).tocoo()  # a cell for each pair of one user, since columns are a user's own
    cells = (np.ones(pairs.nnz, np.int64), (first_items[pairs.row], second_items[pairs.col]))
    return sp.csr_matrix(cells, shape=(left.shape[1], right.shape[1]))


def supported(values: sp.csr_matrix, users: sp.csr_matrix, min_users: int) -> sp.csr_matrix:
    """`values` `[N, N]` without the pairs behind which are fewer than `min_users`; the diagonal stays.

    `users` holds how many are behind each pair.
    """
    enough = users.tocoo()
    told = (enough.data >= min_users) & (enough.row != enough.col)
    places = (enough.row[told], enough.col[told])
    kept = sp.csr_matrix((np.ones(int(told.sum()), np.float32), places), shape=values.shape)
    return (values.multiply(kept) + sp.diags(values.diagonal())).tocsr().astype(values.dtype)


def _own_columns(users: np.ndarray, examples: sp.csr_matrix) -> tuple[sp.csr_matrix, np.ndarray]:
    """`[T, M]` with a column for each item of each user, and the item `[M]` of each column."""
    cells, size = examples.tocoo(), max(examples.shape[1], 1)
    keys, columns = np.unique(users[cells.row].astype(np.int64) * size + cells.col, return_inverse=True)
    ones = np.ones(len(columns), np.int64)
    return sp.csr_matrix((ones, (cells.row, columns)), shape=(examples.shape[0], len(keys))), keys % size
