"""Which candidates say nothing new: other variants of an item above, and near copies of it."""

from __future__ import annotations

import numpy as np

from recsys.rerank.pool import Pool, variant_key
from recsys.rerank.settings import ListSettings


def representatives(pool: Pool, settings: ListSettings) -> dict[int, int]:
    """Places that are left out -> the better place that stands for each.

    Among variants, and among items whose texts are nearer than `near_duplicate`, the best one stays.
    """
    found: dict[int, int] = {}
    if settings.collapse_variants:
        first: dict[str, int] = {}
        for place, row in enumerate(pool.fields):
            if (key := variant_key(row)) is not None and first.setdefault(key, place) != place:
                found[place] = first[key]
    if settings.near_duplicate is not None:
        _add_copies(found, np.asarray(pool.vectors, np.float32), settings.near_duplicate)
    return found


def _add_copies(found: dict[int, int], vectors: np.ndarray, threshold: float) -> None:
    near = vectors @ vectors.T >= threshold
    for place in range(1, len(vectors)):
        if place in found:
            continue
        above = [other for other in np.flatnonzero(near[place, :place]).tolist() if other not in found]
        if above:
            found[place] = above[0]
