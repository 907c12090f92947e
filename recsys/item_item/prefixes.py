"""Every moment of every user as a regression example: what was known then, and what came next."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from recsys.interaction_log import InteractionLog
from recsys.item_item.cooccurrence import freshness

DECAY = 0.7
"""Weight of a history item against the next newer one; lists of other decays profit as well."""
HISTORY = 20
"""Steps that are looked back; with `DECAY` the next one would weigh less than a thousandth."""
HORIZON = 3
"""Steps that are looked ahead, each counting half of the one before."""
MAX_EXAMPLES = 400_000
"""Newest examples of a large log; more change the weights by less than their noise."""


def prefixes(log: InteractionLog, half_life_days: float | None = None) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """`known` and `next`, both `[T, N] float32`, one row for each positive event with one before it.

    A row of `known` has unit L2 norm, like the weights of a served history; the row of `next` beside
    it holds the following items, those that the history has already being left out. With a half-life
    both rows of an example are scaled so that their product fades with its age.
    """
    liked = log.select(log.weights > 0)
    rows = _examples(liked)
    fresh = sp.diags(np.sqrt(freshness(liked, half_life_days)[rows]))
    return (fresh @ _known(liked, rows)).tocsr(), (fresh @ _next(liked, rows)).tocsr()


def prefix_users(log: InteractionLog) -> np.ndarray:
    """`[T] int32`: whose the rows of `prefixes` are."""
    liked = log.select(log.weights > 0)
    return np.asarray(liked.users[_examples(liked)])


def _examples(liked: InteractionLog) -> np.ndarray:
    rows = np.flatnonzero(np.arange(len(liked)) > liked.offsets[liked.users])
    if len(rows) <= MAX_EXAMPLES:
        return rows
    newest = np.argsort(-liked.occurred_at_us[rows], kind="stable")[:MAX_EXAMPLES]
    return rows[np.sort(newest)]


def _known(log: InteractionLog, rows: np.ndarray) -> sp.csr_matrix:
    first = log.offsets[log.users[rows]]
    examples, items, weights = [], [], []
    for back in range(1, HISTORY + 1):
        inside = np.flatnonzero(rows - back >= first)
        examples.append(inside)
        items.append(log.items[rows[inside] - back])
        weights.append(np.full(len(inside), DECAY ** (back - 1), np.float32))
    known = _matrix(examples, items, weights, len(rows), log.num_items)
    lengths = np.sqrt(np.asarray(known.multiply(known).sum(1)).ravel())
    return sp.csr_matrix(sp.diags(1.0 / np.maximum(lengths, 1e-9)) @ known, dtype=np.float32)


def _next(log: InteractionLog, rows: np.ndarray) -> sp.csr_matrix:
    first, last = log.offsets[log.users[rows]], log.offsets[log.users[rows] + 1]
    examples, items, weights = [], [], []
    for ahead in range(HORIZON):
        inside = np.flatnonzero(rows + ahead < last)
        wanted = log.items[rows[inside] + ahead]
        new = np.ones(len(inside), bool)
        for back in range(1, HISTORY + 1):
            place = rows[inside] - back
            new &= (place < first[inside]) | (log.items[np.maximum(place, 0)] != wanted)
        examples.append(inside[new])
        items.append(wanted[new])
        weights.append(np.full(int(new.sum()), 0.5**ahead, np.float32))
    return _matrix(examples, items, weights, len(rows), log.num_items)


def _matrix(
    rows: list[np.ndarray], columns: list[np.ndarray], values: list[np.ndarray], height: int, width: int
) -> sp.csr_matrix:
    places = (np.concatenate(rows), np.concatenate(columns))
    return sp.csr_matrix((np.concatenate(values), places), shape=(height, width), dtype=np.float32)
