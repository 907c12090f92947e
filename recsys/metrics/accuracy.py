"""Accuracy of ranked lists, one number a user, with binary relevance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CUTS = (1, 5, 10, 20, 50)


def accuracy_at(
    hits: np.ndarray, num_targets: np.ndarray, num_candidates: np.ndarray, cuts: Sequence[int] = CUTS
) -> dict[str, np.ndarray]:
    """Every accuracy measure at every cut, `{"ndcg@10": [B] float64, ...}`.

    `hits` `[B, K] bool` says whether place `j` of user `b`'s list holds a target; `K` is at least the
    largest cut. `num_targets` `[B]` is at least 1, `num_candidates` `[B]` the items that were ranked.

    hr: any hit. recall: hits / targets. recall_capped: hits / min(k, targets). precision: hits / k.
    f1: harmonic mean of precision and recall. ndcg: ideal list cut at k. mrr: 1 / place of the first
    hit within k. map: mean over targets of the precision at each hit (divided by all targets, as
    trec_eval does). accuracy: share of candidates judged rightly when the first k are called relevant.
    """
    found: dict[str, np.ndarray] = {}
    for k in cuts:
        found |= {f"{name}@{k}": values for name, values in _at(hits, num_targets, num_candidates, k).items()}
    return found


def _at(hits: np.ndarray, targets: np.ndarray, candidates: np.ndarray, k: int) -> dict[str, np.ndarray]:
    cut = hits[:, :k].astype(np.float64)
    counted, wanted = cut.sum(1), targets.astype(np.float64)
    precision, recall = counted / k, counted / wanted
    places = np.arange(1, cut.shape[1] + 1)
    gains = 1.0 / np.log2(places + 1.0)
    ideal = np.concatenate([[0.0], np.cumsum(1.0 / np.log2(np.arange(2.0, k + 2.0)))])
    right = candidates - (np.minimum(k, candidates) - counted) - (wanted - counted)
    return {
        "hr": (counted > 0).astype(np.float64),
        "recall": recall,
        "recall_capped": counted / np.minimum(wanted, k),
        "precision": precision,
        "f1": _harmonic(precision, recall),
        "ndcg": cut @ gains / ideal[np.minimum(targets, k)],
        "mrr": (cut / places).max(1, initial=0.0),
        "map": (cut * np.cumsum(cut, axis=1) / places).sum(1) / wanted,
        "accuracy": np.where(candidates > 0, right / np.maximum(candidates, 1), 0.0),
    }


def _harmonic(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    total = one + other
    found: np.ndarray = np.divide(2.0 * one * other, total, out=np.zeros_like(total), where=total > 0.0)
    return found


def auc(scores: np.ndarray, targets: np.ndarray) -> float:
    """Chance that a target outranks another candidate, ties counted half.

    `scores` `[M]` are those of one user's candidates, `targets` places among them. 1 when there is
    nothing but targets.
    """
    others = len(scores) - len(targets)
    if others == 0:
        return 1.0
    own = np.sort(scores[targets])
    below = len(scores) * len(own) - np.searchsorted(own, scores, side="left").sum()  # targets >= others
    ties = np.searchsorted(own, scores, side="right").sum() - np.searchsorted(own, scores, side="left").sum()
    within = len(own) * len(own)
    own_ties = np.searchsorted(own, own, side="right").sum() - np.searchsorted(own, own, side="left").sum()
    own_at_least = within - np.searchsorted(own, own, side="left").sum()
    wins = (below - own_at_least) - 0.5 * (ties - own_ties)
    return float(wins / (len(own) * others))
