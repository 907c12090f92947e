"""Pseudo-labels for items without events: what speaks for their nearest known items speaks for them too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

NEAREST = 5
"""Known items that lend to one without events."""
POWER = 4.0
"""Nearer ones lend more, by this power of the confidence."""
OTHER_CATEGORY = 0.5
"""What confidence is worth where both items have a category and it is not the same."""
ROWS_AT_ONCE = 512


def soft_links(
    vectors: np.ndarray, categories: Sequence[str | None], events: np.ndarray, least: float
) -> sp.csr_matrix:
    """`[N, N] float32`: row an item without events, column one of its `NEAREST` items with some.

    Confidence is the cosine of the unit text vectors `[N, D]`, halved between two categories; links below
    `least` are none. A row sums to its best confidence, so that an unsure item borrows little; one that
    has events, or resembles nothing, has an empty row. Equal ones in the order of places.
    """
    cold, known = np.flatnonzero(events == 0), np.flatnonzero(events > 0)
    names = {name: place for place, name in enumerate(dict.fromkeys(categories))}
    group = np.array([names[name] if name else -1 for name in categories], np.int64)
    rows, columns, values = [], [], []
    for start in range(0, len(cold) if len(known) else 0, ROWS_AT_ONCE):
        part = cold[start : start + ROWS_AT_ONCE]
        sure = np.maximum(vectors[part] @ vectors[known].T, 0.0)
        other = (group[part][:, None] != group[known]) & (group[part][:, None] >= 0) & (group[known] >= 0)
        sure[other] *= OTHER_CATEGORY
        best = np.argsort(-sure, axis=1, kind="stable")[:, :NEAREST]
        found = np.take_along_axis(sure, best, axis=1)
        found[found < max(least, 1e-6)] = 0.0
        weights = found**POWER
        weights *= found[:, :1] / np.maximum(weights.sum(1, keepdims=True), 1e-12)
        rows.append(np.repeat(part, best.shape[1]))
        columns.append(known[best].ravel())
        values.append(weights.ravel())
    if not rows:
        return sp.csr_matrix((len(events), len(events)), dtype=np.float32)
    data = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    links = sp.csr_matrix(data, shape=(len(events), len(events)), dtype=np.float32)
    links.eliminate_zeros()
    return links


def lent(behaviour: sp.csr_matrix, links: sp.csr_matrix, share: float) -> sp.csr_matrix:
    """`behaviour` `[N, N]` with `share` of what speaks for its known items added to each linked one."""
    if share == 0.0 or links.nnz == 0:
        return behaviour
    return sp.csr_matrix(behaviour + np.float32(share) * (behaviour @ links.T), dtype=np.float32)
