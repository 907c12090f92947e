"""Users' histories as distinct items, newest first: what every signal reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from recsys.config import ProfileConfig
from recsys.interaction_log import InteractionLog


@dataclass(frozen=True, eq=False)
class Histories:
    """`B` histories over `N` items; entries are ordered by history, newest item first."""

    num_items: int
    offsets: np.ndarray
    """`[B + 1] int64`: history `b` is entries `offsets[b]` to `offsets[b + 1]`."""
    items: np.ndarray
    """`[M] int32` item places."""
    strengths: np.ndarray
    """`[M] float32` signed undecayed weight of all events on the item, in units of the profile's cap."""
    counts: np.ndarray
    """`[M] float32` number of events on the item."""

    def __len__(self) -> int:
        """Number B of histories."""
        return len(self.offsets) - 1

    @cached_property
    def rows(self) -> np.ndarray:
        """`[M] int64`: the history each entry belongs to."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @cached_property
    def steps(self) -> np.ndarray:
        """`[M] int64`: how many distinct items came after it; 0 for the newest."""
        return np.arange(len(self.items)) - self.offsets[self.rows]

    def matrix(self, decay: float, repeated: bool = False) -> sp.csr_matrix:
        """`[B, N] float32` weights with unit L2 rows, `sign * decay^step` before that.

        With `repeated`, times the logarithm of one more than the number of events on the item.
        Rows without an entry stay zero.
        """
        values = np.sign(self.strengths) * decay ** self.steps.astype(np.float64)
        if repeated:
            values = values * np.log1p(self.counts)
        norms = np.sqrt(np.bincount(self.rows, values**2, minlength=len(self)))
        values = values / np.where(norms > 0.0, norms, 1.0)[self.rows]
        shape = (len(self), self.num_items)
        return sp.csr_matrix((values.astype(np.float32), self.items, self.offsets), shape=shape)


def histories_of(log: InteractionLog, users: np.ndarray, config: ProfileConfig | None = None) -> Histories:
    """Histories of some users of a log, `[B] int32` places, from their newest `max_events` events."""
    config = config or ProfileConfig()
    ends = log.offsets[users + 1]
    starts = np.maximum(log.offsets[users], ends - config.max_events)
    lengths = ends - starts
    rows = np.repeat(np.arange(len(users)), lengths)
    first = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    places = first + np.arange(len(rows))
    return _distinct(rows, log.items[places], log.weights[places], len(users), log.num_items, config)


def _distinct(
    rows: np.ndarray, items: np.ndarray, weights: np.ndarray, num: int, num_items: int, config: ProfileConfig
) -> Histories:
    keys = rows.astype(np.int64) * num_items + items
    distinct, newest_from_end, inverse = np.unique(keys[::-1], return_index=True, return_inverse=True)
    own, cap = weights[::-1].astype(np.float64), config.max_item_weight
    drawn = np.minimum(np.bincount(inverse, np.maximum(own, 0.0), minlength=len(distinct)), cap)
    pushed = np.minimum(np.bincount(inverse, np.maximum(-own, 0.0), minlength=len(distinct)), cap)
    counts = np.bincount(inverse, own > 0, minlength=len(distinct))
    owners = distinct // max(num_items, 1)
    strengths = drawn - pushed
    kept = np.flatnonzero(strengths != 0.0)
    order = kept[np.lexsort((newest_from_end[kept], owners[kept]))]
    offsets = np.searchsorted(owners[order], np.arange(num + 1)).astype(np.int64)
    return Histories(
        num_items,
        offsets,
        (distinct[order] % max(num_items, 1)).astype(np.int32),
        (strengths[order] / cap).astype(np.float32),
        counts[order].astype(np.float32),
    )
