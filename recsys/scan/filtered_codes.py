"""The codes of the rows that one filter lets through, by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from recsys.scan.rows import Allowed, Rows
from recsys.scan.scoring import as_coded

MIN_ROWS = 2_000
"""Fewer rows are scored exactly in the time that codes take."""
LEAST_TIMES = 5
"""So many times the rows that are scored again anyway must be left, for codes to save anything."""
MAX_ROWS = 20_000
"""More rows would take too long to code for a search to wait for, and memory for each remembered filter."""
MAX_SHARE = 0.1
"""Of a larger share the whole's codes find enough at once."""


@dataclass(frozen=True)
class FilteredCodes:
    """A copy of some rows' codes, so that a search touches nothing else."""

    codes: Any
    rows: np.ndarray
    """`[M] int64`: row numbers of the shard, ascending."""

    @classmethod
    def make(cls, whole: Any, rows: Rows, allowed: Allowed) -> FilteredCodes:
        """Code the allowed rows with the centres of `whole`: about 8 ms for a thousand rows."""
        codes = faiss.IndexPQFastScan(whole.d, whole.pq.M, whole.pq.nbits, whole.metric_type)
        faiss.copy_array_to_vector(faiss.vector_to_array(whole.pq.centroids), codes.pq.centroids)
        codes.is_trained = True
        codes.add(as_coded(rows.vectors[allowed.rows], rows.metric))
        return cls(codes, allowed.rows)

    def search(self, queries: np.ndarray, fetch: int) -> tuple[np.ndarray, np.ndarray]:
        """As FAISS: `[B, fetch]` scores and row numbers of the shard, best first, -1 where there is none."""
        near, places = self.codes.search(queries, fetch)
        return near, np.where(places < 0, -1, self.rows[places])


def worth_it(allowed: Allowed, wanted: int) -> bool:
    """Whether a filter leaves a number of rows for which codes of their own pay, `wanted` scored again."""
    return max(MIN_ROWS, LEAST_TIMES * wanted) <= allowed.count <= MAX_ROWS and allowed.share <= MAX_SHARE
