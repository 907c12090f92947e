"""What links add to the scores of one query: few rows of many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Added:
    """Ascending row numbers `[M]` and what is added to each `[M] float32`; nothing elsewhere."""

    rows: np.ndarray
    values: np.ndarray

    @classmethod
    def of_row(cls, added: sp.csr_matrix, row: int) -> Self:
        """One row of `[B, N]`."""
        part = slice(added.indptr[row], added.indptr[row + 1])
        rows, values = added.indices[part], added.data[part]
        if len(rows) > 1 and not np.all(rows[1:] > rows[:-1]):
            order = np.argsort(rows)
            rows, values = rows[order], values[order]
        return cls(rows.astype(np.int64), values)

    def only(self, keep: np.ndarray) -> Added:
        """The rows of a mask `[M] bool`."""
        return Added(self.rows[keep], self.values[keep])

    def at(self, numbers: np.ndarray) -> np.ndarray:
        """`[n] float32` added to rows in any order; 0 where nothing is."""
        if not len(self.rows):
            return np.zeros(len(numbers), np.float32)
        places = np.searchsorted(self.rows, numbers).clip(max=len(self.rows) - 1)
        return np.where(self.rows[places] == numbers, self.values[places], np.float32(0.0))

    def strongest(self, count: int) -> np.ndarray:
        """Row numbers of the largest `count` values, in any order."""
        if count >= len(self.rows):
            return self.rows
        return self.rows[np.argpartition(-self.values, count)[:count]]

    def num_not_lowered(self, numbers: np.ndarray) -> int:
        """How many of the rows lose nothing."""
        return int(np.count_nonzero(self.at(numbers) >= 0.0))
