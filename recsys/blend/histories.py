"""Users' histories as distinct items, newest first: what every signal reads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from recsys.config import ProfileConfig
from recsys.interaction_log import DAY_US, HALF_LIVES_DAYS, InteractionLog


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
    frequencies: np.ndarray
    """`[M, H] float32`: positive events on the item, each halved every `HALF_LIVES_DAYS[h]` before the
    user's newest event."""

    def __len__(self) -> int:
        """Number B of histories."""
        return len(self.offsets) - 1

    def part(self, start: int, stop: int) -> Histories:
        """Histories `start` to `stop` alone."""
        rows = slice(int(self.offsets[start]), int(self.offsets[stop]))
        return Histories(
            self.num_items,
            self.offsets[start : stop + 1] - self.offsets[start],
            self.items[rows],
            self.strengths[rows],
            self.frequencies[rows],
        )

    @cached_property
    def rows(self) -> np.ndarray:
        """`[M] int64`: the history each entry belongs to."""
        lengths = np.diff(self.offsets)
        return np.asarray(np.repeat(np.arange(len(lengths)), lengths), np.int64)

    @cached_property
    def steps(self) -> np.ndarray:
        """`[M] int64`: how many distinct items came after it; 0 for the newest."""
        return np.asarray(np.arange(len(self.items)) - self.offsets[self.rows], np.int64)

    def matrix(self, decay: float, half_life_days: float | None = None) -> sp.csr_matrix:
        """`[B, N] float32` weights with unit L2 rows, `sign * decay^step` before that.

        With a half-life (one of `HALF_LIVES_DAYS`) liked items also count by the square root of their
        decayed events. Rows without an entry stay zero.
        """
        weights = np.sign(self.strengths) * decay ** self.steps.astype(np.float64)
        if half_life_days is not None:
            often = self.frequencies[:, HALF_LIVES_DAYS.index(half_life_days)]
            weights *= np.where(self.strengths > 0.0, np.sqrt(often), 1.0)
        return self._unit(weights)

    def frequency_matrix(self, half_life_days: float) -> sp.csr_matrix:
        """`[B, N] float32` decayed event counts with unit L2 rows; one of `HALF_LIVES_DAYS`."""
        column = HALF_LIVES_DAYS.index(half_life_days)
        return self._unit(np.where(self.strengths > 0.0, self.frequencies[:, column], 0.0).astype(np.float64))

    def _unit(self, values: np.ndarray) -> sp.csr_matrix:
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
    newest = log.occurred_at_us[np.maximum(ends - 1, 0)] if len(log) else np.zeros(len(users), np.int64)
    ages = (newest[rows] - log.occurred_at_us[places]) / DAY_US
    events = _Events(rows, log.items[places], log.weights[places], ages)
    return _distinct(events, len(users), log.num_items, config.max_item_weight)


@dataclass(frozen=True, eq=False)
class _Events:
    rows: np.ndarray
    items: np.ndarray
    weights: np.ndarray
    age_days: np.ndarray


def _distinct(events: _Events, num: int, num_items: int, cap: float) -> Histories:
    said = np.flatnonzero(events.weights != 0.0)
    events = _Events(events.rows[said], events.items[said], events.weights[said], events.age_days[said])
    keys = events.rows.astype(np.int64) * num_items + events.items
    distinct, newest_from_end, inverse = np.unique(keys[::-1], return_index=True, return_inverse=True)
    own, ages, size = events.weights[::-1].astype(np.float64), events.age_days[::-1], len(distinct)
    drawn = np.minimum(np.bincount(inverse, np.maximum(own, 0.0), minlength=size), cap)
    pushed = np.minimum(np.bincount(inverse, np.maximum(-own, 0.0), minlength=size), cap)
    frequencies = [np.bincount(inverse, (own > 0) * np.exp2(-ages / days), size) for days in HALF_LIVES_DAYS]
    owners, strengths = distinct // max(num_items, 1), drawn - pushed
    kept = np.flatnonzero(strengths != 0.0)
    order = kept[np.lexsort((newest_from_end[kept], owners[kept]))]
    return Histories(
        num_items,
        np.searchsorted(owners[order], np.arange(num + 1)).astype(np.int64),
        (distinct[order] % max(num_items, 1)).astype(np.int32),
        (strengths[order] / cap).astype(np.float32),
        np.stack(frequencies, axis=1)[order].astype(np.float32),
    )
