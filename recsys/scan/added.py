"""What links add to the scores of one query: few rows of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Added:
    """Ascending row numbers `[M] int64` and what is added to each, `[M] float32`; nothing elsewhere."""

    rows: np.ndarray
    values: np.ndarray

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """`[n] float32` added to rows in any order; 0 where nothing is."""
        if not len(self.rows):
            return np.zeros(len(numbers), np.float32)
        places = np.searchsorted(self.rows, numbers)
        places[places == len(self.rows)] = 0
        return np.where(self.rows[places] == numbers, self.values[places], np.float32(0.0))

    def add_to(self, scores: np.ndarray, numbers: np.ndarray) -> None:
        """Add to the scores `[n]` of ascending rows, in place."""
        first, last = np.searchsorted(self.rows, (numbers[0], numbers[-1] + 1))
        rows = self.rows[first:last]
        places = np.searchsorted(numbers, rows)
        hit = numbers[places] == rows
        scores[places[hit]] += self.values[first:last][hit]

    def strongest(self, count: int) -> np.ndarray:
        """Row numbers of the largest `count` values, in any order."""
        if count >= len(self.rows):
            return self.rows
        return self.rows[np.argpartition(-self.values, count)[:count]]

    def at_least(self, value: float) -> np.ndarray:
        """Row numbers to which so much is added, or more."""
        return self.rows[self.values >= value]

    def num_not_lowered(self, numbers: np.ndarray) -> int:
        """How many of the rows lose nothing."""
        return int(np.count_nonzero(self.at(numbers) >= 0.0))
