"""What lists look like as a whole: how much of the catalog they show, how evenly, how varied."""

from __future__ import annotations

import numpy as np


def exposure(lists: np.ndarray, num_items: int) -> np.ndarray:
    """How often each item is shown, `[N] int64`; `lists` `[B, K]` hold item places, -1 where empty."""
    return np.bincount(lists[lists >= 0], minlength=num_items)


def catalogue_coverage(lists: np.ndarray, num_items: int) -> float:
    """Share of the catalog that is shown to anybody; 0 for an empty catalog."""
    return float((exposure(lists, num_items) > 0).sum() / num_items) if num_items else 0.0


def gini(lists: np.ndarray, num_items: int) -> float:
    """Gini index of exposure over the catalog: 0 when all items are shown alike, towards 1 for one."""
    shown = np.sort(exposure(lists, num_items)).astype(np.float64)
    total = shown.sum()
    if total == 0.0:
        return 0.0
    ranks = np.arange(1, num_items + 1)
    return float((2.0 * (ranks * shown).sum() / total - num_items - 1.0) / num_items)


def novelty(lists: np.ndarray, interactions: np.ndarray) -> float:
    """Mean self-information in bits of the shown items, -log2((count + 1) / (all + N)).

    `interactions` `[N]` counts each item's training events. 0 when nothing is shown.
    """
    share = (interactions + 1.0) / (interactions.sum() + len(interactions))
    shown = lists[lists >= 0]
    return float(-np.log2(share[shown]).mean()) if len(shown) else 0.0


def intra_list_diversity(lists: np.ndarray, vectors: np.ndarray) -> float:
    """Mean over lists of 1 - mean pairwise cosine; `vectors` `[N, D]` have unit rows.

    Lists with fewer than two items are left out; 0 when none is left.
    """
    values: list[float] = []
    for row in lists:
        items = row[row >= 0]
        if len(items) > 1:
            total = vectors[items].astype(np.float64).sum(0)
            own = np.square(vectors[items].astype(np.float64)).sum()
            values.append(1.0 - float(total @ total - own) / (len(items) * (len(items) - 1)))
    return float(np.mean(values)) if values else 0.0
