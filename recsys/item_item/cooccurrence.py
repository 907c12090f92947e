"""Counting models: who acted on both, and what came next."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from recsys.interaction_log import DAY_US, InteractionLog
from recsys.item_item.support import supported

MAX_USER_ITEMS = 500
"""A user's newest distinct items that count, so that one account cannot outweigh a shop."""


def user_items(log: InteractionLog, half_life_days: float | None = None) -> sp.csr_matrix:
    """`[U, N] float32` with a 1 where a user acted on an item and did not dislike it.

    With a half-life an entry is the sum of the user's events on the item, each halved every
    `half_life_days` before the newest event of the log, 1 at the most: what was long ago says less.
    """
    liked = log.select(log.weights > 0)
    newest = liked.offsets[liked.users + 1] - np.arange(len(liked)) <= MAX_USER_ITEMS
    shape = (log.num_users, log.num_items)
    rows, columns = liked.users[newest], liked.items[newest]
    values = freshness(liked, half_life_days)[newest]
    matrix = sp.csr_matrix((values, (rows, columns)), shape=shape, dtype=np.float32)
    matrix.data = np.minimum(matrix.data, np.float32(1.0))
    return matrix


def freshness(log: InteractionLog, half_life_days: float | None) -> np.ndarray:
    """`[E] float32` in (0, 1]: halved every `half_life_days` before the newest event; 1 without."""
    if half_life_days is None or len(log) == 0:
        return np.ones(len(log), np.float32)
    age_days = (log.occurred_at_us.max() - log.occurred_at_us) / DAY_US
    return np.asarray(np.exp2(-age_days / half_life_days), np.float32)


def cooccurrence(log: InteractionLog) -> sp.csr_matrix:
    """`[N, N] float32`: users who acted on both items; the diagonal counts users of one."""
    matrix = user_items(log)
    return (matrix.T @ matrix).tocsr()


def cosine_neighbours(counts: sp.csr_matrix, shrinkage: float) -> sp.csr_matrix:
    """Item-KNN: `c_ij / (sqrt(c_ii c_jj) + shrinkage)`, zero diagonal."""
    own = counts.diagonal()
    pairs = counts.tocoo()
    lengths = np.sqrt(own[pairs.row] * own[pairs.col]) + shrinkage
    return _without_diagonal(pairs, pairs.data / lengths, counts.shape)


def lift_neighbours(counts: sp.csr_matrix, power: float) -> sp.csr_matrix:
    """Co-visitation: `c_ij / c_jj^power`, from plain counts (0) to lift (1); zero diagonal."""
    own = np.maximum(counts.diagonal(), 1.0)
    pairs = counts.tocoo()
    return _without_diagonal(pairs, pairs.data / own[pairs.col] ** power, counts.shape)


def transitions(
    log: InteractionLog, window: int, decay: float, power: float, min_users: int = 1
) -> sp.csr_matrix:
    """`[N, N]`: how often column followed row within `window` steps, `decay` a step, damped.

    Divided by `(row sum * column sum + 1)^power`: 0 keeps counts. Steps onto the same item say nothing,
    nor do those that fewer than `min_users` different users made; sums are over what is left.
    """
    shape = (log.num_items, log.num_items)
    users, rows, columns, values = _steps(log.select(log.weights > 0), window, decay)
    counts = sp.csr_matrix((values, (rows, columns)), shape=shape)
    if min_users > 1:
        own = np.unique(np.stack([users, rows, columns]), axis=1)[1:]
        behind = sp.csr_matrix((np.ones(own.shape[1], np.int64), (own[0], own[1])), shape=shape)
        counts = supported(counts, behind, min_users)
    before, after = np.asarray(counts.sum(1)).ravel(), np.asarray(counts.sum(0)).ravel()
    pairs = counts.tocoo()
    damped = pairs.data / (before[pairs.row] * after[pairs.col] + 1.0) ** power
    return _without_diagonal(pairs, damped, shape)


def _steps(liked: InteractionLog, window: int, decay: float) -> tuple[np.ndarray, ...]:
    """User, item, following item and weight of every step."""
    users, rows, columns, values = [], [], [], []
    for step in range(1, window + 1):
        here, there = np.arange(len(liked) - step), np.arange(step, len(liked))
        same = (liked.users[here] == liked.users[there]) & (liked.items[here] != liked.items[there])
        users.append(liked.users[here[same]])
        rows.append(liked.items[here[same]])
        columns.append(liked.items[there[same]])
        values.append(np.full(int(same.sum()), decay ** (step - 1), np.float32))
    return tuple(np.concatenate(part) for part in (users, rows, columns, values))


def _without_diagonal(pairs: sp.coo_matrix, values: np.ndarray, shape: tuple[int, int]) -> sp.csr_matrix:
    other = pairs.row != pairs.col
    data = (values[other].astype(np.float32), (pairs.row[other], pairs.col[other]))
    return sp.csr_matrix(data, shape=shape)
