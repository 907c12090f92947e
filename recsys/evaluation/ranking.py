"""Full-catalogue ranking of many users, and the measures of their lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from recsys.blend.histories import Histories, histories_of
from recsys.errors import InputError
from recsys.evaluation.splits import Split, seen_items
from recsys.metrics.accuracy import CUTS, accuracy_at, auc

LIST_LENGTH = max(CUTS)
MAX_SCORES = 2**25
"""Scores held at a time, 128 MB."""
MAX_RUN = 64
AUC_USERS = 1_000
"""AUC looks at every score of a user; this many users, drawn evenly, give its mean closely enough."""


class Scorer(Protocol):
    """Anything that scores the whole catalog for histories."""

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`, higher is better; a new array that the caller may change."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """Lists of the asked users with their measures."""

    lists: np.ndarray
    """`[B, 50] int32` item places, best first; -1 where there was nothing left."""
    metrics: dict[str, np.ndarray]
    """`[B] float64` each."""


def rank_split(
    scorer: Scorer,
    split: Split,
    mask_seen: bool,
    available: np.ndarray | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    with_auc: bool = True,
) -> Ranked:
    """Lists and measures of every asked user, chunk after chunk."""
    if len(split.users) == 0:
        raise InputError("there is nobody to rank for", expected="a split with questions")
    parts: list[Ranked] = []
    for start, stop in chunks(split):
        parts.append(rank_chunk(scorer, split, start, stop, mask_seen, available, with_auc=with_auc))
        on_progress(stop, len(split.users))
    return joined(parts)


def chunks(split: Split) -> Iterator[tuple[int, int]]:
    """Ranges of asked users whose scores fit into `MAX_SCORES`."""
    step = max(MAX_SCORES // max(split.train.num_items, 1), 1)
    for start in range(0, len(split.users), step):
        yield start, min(start + step, len(split.users))


def rank_chunk(
    scorer: Scorer,
    split: Split,
    start: int,
    stop: int,
    mask_seen: bool,
    available: np.ndarray | None,
    *,
    with_auc: bool = True,
) -> Ranked:
    """Lists and measures of the asked users `start` to `stop`; ties in the order of ids."""
    users = split.users[start:stop]
    scores = np.asarray(scorer.scores(histories_of(split.train, users)), np.float32)
    hide(scores, split, users, mask_seen, available)
    lists = top_places(scores, LIST_LENGTH)
    targets = split.targets[start:stop]
    hits = hits_of(lists, targets)
    num_targets = np.diff(targets.indptr)
    num_candidates = np.isfinite(scores).sum(1)
    metrics = accuracy_at(hits, num_targets, num_candidates)
    if with_auc:
        metrics["auc"] = _aucs(scores, targets, start, len(split.users))
    return Ranked(lists, metrics)


def hide(
    scores: np.ndarray, split: Split, users: np.ndarray, mask_seen: bool, available: np.ndarray | None
) -> None:
    """Minus infinity, in place, for what may not be in a list."""
    if available is not None:
        scores[:, ~available] = -np.inf
    if mask_seen:
        seen = _seen(split)[users].tocoo()
        scores[seen.row, seen.col] = -np.inf


def top_places(scores: np.ndarray, k: int) -> np.ndarray:
    """Places of the best `k` of each row `[B, N]`, `[B, k] int32`; equal scores by place, -1 where hidden."""
    width = min(k, scores.shape[1])
    bounds = _lower_bounds(scores, width)
    lists = np.full((len(scores), k), -1, np.int32)
    for row, own in enumerate(scores):
        places = np.flatnonzero(own >= bounds[row] if bounds[row] > -np.inf else own > -np.inf)
        if len(places) > 4 * width:
            places = _without_surplus_ties(own, places, width)
        best = places[np.argsort(-own[places], kind="stable")][:width]
        lists[row, : len(best)] = best
    return lists


def _lower_bounds(scores: np.ndarray, width: int) -> np.ndarray:
    """`[B]`: at least `width` of a row reach it. From the maxima of runs, so that rows are read once."""
    run = min(scores.shape[1] // (4 * width), MAX_RUN) if width else 0
    if run > 1:
        whole = scores.shape[1] // run * run
        scores = scores[:, :whole].reshape(len(scores), -1, run).max(axis=2)
    place = scores.shape[1] - width
    bounds: np.ndarray = np.partition(scores, place, axis=1)[:, place] if width else np.zeros(len(scores))
    return bounds


def _without_surplus_ties(own: np.ndarray, places: np.ndarray, width: int) -> np.ndarray:
    """The best `width` of a row's places, ascending; of those that tie for the last the first ones."""
    values = own[places]
    last = np.partition(values, len(values) - width)[len(values) - width]
    above, equal = places[values > last], places[values == last]
    return np.sort(np.concatenate([above, equal[: width - len(above)]]))


def hits_of(lists: np.ndarray, targets: sp.csr_matrix) -> np.ndarray:
    """`[B, K] bool`: which places hold a target."""
    hits = np.zeros(lists.shape, bool)
    for row, own in enumerate(lists):
        wanted = targets.indices[targets.indptr[row] : targets.indptr[row + 1]]
        hits[row] = np.isin(own, wanted)
    return hits


def joined(parts: list[Ranked]) -> Ranked:
    """Chunks in their order as one."""
    names = parts[0].metrics
    return Ranked(
        np.concatenate([part.lists for part in parts]),
        {name: np.concatenate([part.metrics[name] for part in parts]) for name in names},
    )


def _aucs(scores: np.ndarray, targets: sp.csr_matrix, start: int, total: int) -> np.ndarray:
    every = max(-(-total // AUC_USERS), 1)
    values = np.full(len(scores), np.nan)
    for row in range(-start % every, len(scores), every):
        candidates = np.flatnonzero(scores[row] > -np.inf)
        wanted = targets.indices[targets.indptr[row] : targets.indptr[row + 1]]
        places = np.searchsorted(candidates, np.intersect1d(wanted, candidates))
        if len(places):
            values[row] = auc(scores[row][candidates], places)
    return values


_SEEN: dict[int, tuple[object, sp.csr_matrix]] = {}


def _seen(split: Split) -> sp.csr_matrix:
    """The matrix of seen items, made once for a training log."""
    known = _SEEN.get(id(split.train))
    if known is None or known[0] is not split.train:
        _SEEN.clear()
        _SEEN[id(split.train)] = known = (split.train, seen_items(split.train))
    return known[1]
