"""Who does well and who does not: by length of history, and by how known the target is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from recsys.evaluation.ranking import Ranked, hits_of
from recsys.evaluation.splits import Split
from recsys.metrics.accuracy import accuracy_at

LENGTHS = ((1, 2), (3, 9), (10, 10**9))
COLD_EVENTS = 2
TOP_CATEGORIES = 5
SHOWN = ("ndcg@10", "hr@10", "recall@20")


def slices_of(ranked: Ranked, split: Split, categories: Sequence[str | None]) -> dict[str, dict[str, float]]:
    """Means of a few measures within each slice.

    History slices choose users. Item slices keep only targets of a kind: cold (at most `COLD_EVENTS`
    training events), head, torso and tail (items that together hold the first, second and last third
    of training events, most frequent first), and the categories with most targets.
    """
    found: dict[str, dict[str, float]] = {}
    lengths = np.diff(split.train.offsets)[split.users]
    for low, high in LENGTHS:
        chosen = (lengths >= low) & (lengths <= high)
        name = f"history {low}-{high}" if high < 10**9 else f"history {low}+"
        found |= _users(name, ranked, chosen)
    for name, items in item_classes(split, categories).items():
        found |= _items(name, ranked, split, items)
    return found


def item_classes(split: Split, categories: Sequence[str | None]) -> dict[str, np.ndarray]:
    """`[N] bool` of each class of target items."""
    counts = np.bincount(split.train.items, minlength=split.train.num_items)
    order = np.argsort(-counts, kind="stable")
    before = np.concatenate([[0], np.cumsum(counts[order])[:-1]])
    third = np.empty(len(counts), np.int64)
    third[order] = np.minimum(3 * before // max(int(counts.sum()), 1), 2)
    third[counts == 0] = 2
    classes = {
        "cold items": counts <= COLD_EVENTS,
        "warm items": counts > COLD_EVENTS,
        "head": third == 0,
        "torso": third == 1,
        "tail": third == 2,
    }
    names = np.array([(name or "").split("/")[0] for name in categories], object)
    asked = np.asarray(split.targets.sum(0)).ravel()
    totals = {name: int(asked[names == name].sum()) for name in set(names.tolist()) if name}
    for name in sorted(totals, key=lambda name: (-totals[name], name))[:TOP_CATEGORIES]:
        classes[f"category {name}"] = names == name
    return classes


def _users(name: str, ranked: Ranked, chosen: np.ndarray) -> dict[str, dict[str, float]]:
    if not chosen.any():
        return {}
    means = {metric: float(ranked.metrics[metric][chosen].mean()) for metric in SHOWN}
    return {name: {"users": float(chosen.sum())} | means}


def _items(name: str, ranked: Ranked, split: Split, items: np.ndarray) -> dict[str, dict[str, float]]:
    wanted = sp.csr_matrix(split.targets.multiply(items[None, :]).astype(np.float32))
    wanted.eliminate_zeros()
    counts = np.diff(wanted.indptr)
    chosen = np.flatnonzero(counts)
    if len(chosen) == 0:
        return {}
    hits = hits_of(ranked.lists[chosen], wanted[chosen])
    metrics = accuracy_at(hits, counts[chosen], np.full(len(chosen), len(items)))
    return {name: {"users": float(len(chosen))} | {m: float(metrics[m].mean()) for m in SHOWN}}
