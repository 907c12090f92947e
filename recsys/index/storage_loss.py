"""What storing vectors in fewer bytes costs, measured on some of them."""

from __future__ import annotations

import numpy as np

from recsys.config import Metric, Storage
from recsys.scan import Allowed, Rows, Vectors, scan
from recsys.scan.vectors import to_stored

MAX_ROWS = 8_192
NUM_QUERIES = 128
K = 10


class StorageLoss:
    """Keeps an even sample of the rows that pass by, whatever their number will be."""

    def __init__(self, storage: Storage, metric: Metric) -> None:
        self._storage, self._metric = storage, metric
        self._kept: list[np.ndarray] = []
        self._every, self._seen = 1, 0

    def see(self, vectors: np.ndarray) -> None:
        """Rows `[n, D] float32` in the order they are written."""
        if self._storage is Storage.FLOAT32:
            return
        self._kept += list(vectors[-self._seen % self._every :: self._every].copy())
        self._seen += len(vectors)
        while len(self._kept) > MAX_ROWS:
            self._kept, self._every = self._kept[::2], self._every * 2

    def recall(self) -> float:
        """recall@10 of the stored rows against float32; 1 for float32 and for fewer than 11 rows."""
        if len(self._kept) <= K:
            return 1.0
        rows = np.stack(self._kept)
        chosen = np.linspace(0, len(rows) - 1, min(NUM_QUERIES, len(rows))).astype(np.int64)
        exact, stored = (
            scan(
                rows[chosen],
                K,
                Rows(Vectors(array), self._metric),
                self._all(),
                [np.array([c]) for c in chosen],
            )
            for array in (rows, to_stored(rows, self._storage))
        )
        hits = [len(np.intersect1d(a, b)) / K for (a, _), (b, _) in zip(exact, stored, strict=True)]
        return float(np.mean(hits))

    def _all(self) -> Allowed:
        return Allowed(np.ones(len(self._kept), bool))
