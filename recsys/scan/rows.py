"""What is scanned, and which of it may be answered."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import faiss
import numpy as np

from recsys.config import Metric
from recsys.scan.scoring import metric_scores, squares_of
from recsys.scan.vectors import Vectors

if TYPE_CHECKING:
    from recsys.scan.filtered_codes import FilteredCodes


@dataclass(frozen=True)
class Rows:
    """Vectors `[N, D]` under a metric."""

    vectors: Vectors
    metric: Metric

    @cached_property
    def squares(self) -> np.ndarray:
        """`[N] float64` squared norms; empty for the inner product, which has no use for them."""
        if self.metric is Metric.INNER_PRODUCT:
            return np.empty(0, np.float64)
        return squares_of(self.vectors)

    def scores(self, queries: np.ndarray, rows: slice | np.ndarray) -> np.ndarray:
        """`[B, n] float32` of queries `[B, D]` against some rows: a slice, or ascending row numbers."""
        squares = self.squares if self.metric is Metric.INNER_PRODUCT else self.squares[rows]
        return metric_scores(self._dots(queries, rows), queries, squares, self.metric)

    def _dots(self, queries: np.ndarray, rows: slice | np.ndarray) -> np.ndarray:
        if len(queries) > 1:
            return np.asarray(queries @ self.vectors[rows].T)
        if isinstance(rows, slice) or self.vectors.plain is None:
            return np.asarray((self.vectors[rows] @ queries[0])[None, :])
        return _dots_in_place(queries[0], self.vectors.plain, rows)[None, :]


def _dots_in_place(query: np.ndarray, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`[n] float32`: few rows of a large matrix without copying them first."""
    dots = np.empty(len(rows), np.float32)
    rows = np.ascontiguousarray(rows, np.int64)
    pointers = (faiss.swig_ptr(one) for one in (dots, np.ascontiguousarray(query), vectors, rows))
    faiss.fvec_inner_products_by_idx(*pointers, vectors.shape[1], 1, len(rows))
    return dots


class Allowed:
    """The rows that a filter lets through, the same for every query that asks for it."""

    def __init__(self, mask: np.ndarray) -> None:
        """`mask`: `[N] bool`."""
        self.mask = mask
        self.count = int(np.count_nonzero(mask))
        self.times_asked = 0
        """Searches by this filter in compressed rows, until it has codes of its own."""
        self.codes: FilteredCodes | None = None

    @property
    def everything(self) -> bool:
        """Whether no row is left out."""
        return self.count == len(self.mask)

    @property
    def share(self) -> float:
        """Allowed rows over rows; 0 for none at all."""
        return self.count / max(len(self.mask), 1)

    @cached_property
    def rows(self) -> np.ndarray:
        """Ascending row numbers `[M] int64`."""
        return np.flatnonzero(self.mask)
