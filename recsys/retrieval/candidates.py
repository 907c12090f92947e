"""Ranked ids with scores, and their merge."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np


@dataclass(frozen=True, eq=False)
class Candidates:
    """The best items for one query in total order: score descending, then `item_id` ascending."""

    item_ids: tuple[str, ...]
    scores: np.ndarray
    """`[K] float32`, one a place; higher is better."""

    def __len__(self) -> int:
        """Number of places."""
        return len(self.item_ids)


def merge_top_k(parts: Sequence[Candidates], k: int) -> Candidates:
    """The best `k` of several answers over disjoint items; associative, and empty for no parts.

    The merge of the top-K of any split of a catalog is the top-K of the catalog.
    """
    rows = (zip((-part.scores).tolist(), part.item_ids, strict=True) for part in parts)
    best = list(islice(heapq.merge(*rows), max(k, 0)))
    scores = np.array([-negative for negative, _ in best], np.float32)
    return Candidates(tuple(item_id for _, item_id in best), scores)
