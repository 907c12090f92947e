"""The candidates that could reach a list under any weights, so that weights are tried in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recsys.blend.histories import histories_of
from recsys.blend.settings import Blend
from recsys.blend.signals import Signals
from recsys.evaluation.ranking import chunks, hide, top_places
from recsys.evaluation.splits import Split

PER_SIGNAL = 100
CUT = 10
EVERY = Blend(text=1.0, behaviour=1.0, transition=1.0, repeat=1.0, own=1.0, popularity=1.0)


@dataclass(frozen=True, eq=False)
class CandidatePool:
    """For each asked user the best items of every signal, and the targets among all others."""

    parts: np.ndarray
    """`[S, B, P] float32`: each signal's score of each candidate."""
    hits: np.ndarray
    """`[B, P] bool`: candidates that are targets."""
    blocked: np.ndarray
    """`[B, P] bool`: places that hold no allowed candidate, or one twice."""
    num_targets: np.ndarray
    """`[B] int64`."""
    places: np.ndarray
    """`[B, P] int64`: the candidates' items."""

    def with_parts(self, parts: np.ndarray) -> CandidatePool:
        """The same candidates with other scores `[S, B, P]`."""
        return replace(self, parts=parts)

    def speaks(self) -> list[bool]:
        """For each signal whether it tells candidates apart; those of own items do where repeats may come."""
        return [bool(part[~self.blocked].std() > 0.0) for part in self.parts]

    def deviations(self) -> list[float]:
        """Standard deviation of each signal over the candidates; 1 for one that is constant."""
        found = [float(part[~self.blocked].std()) for part in self.parts]
        return [value if value > 0.0 else 1.0 for value in found]

    def ndcg(self, factors: tuple[float, ...]) -> float:
        """Mean NDCG@10 of the lists that these factors give."""
        return float(self.ndcgs(factors).mean())

    def ndcgs(self, factors: tuple[float, ...]) -> np.ndarray:
        """`[B] float64` NDCG@10 of each user's list."""
        scores = np.einsum("s,sbp->bp", np.asarray(factors, np.float32), self.parts)
        scores[self.blocked] = -np.inf
        cut = min(CUT, scores.shape[1])
        best = np.argpartition(-scores, cut - 1, axis=1)[:, :cut]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        hits = np.take_along_axis(self.hits, np.take_along_axis(best, order, 1), 1)
        gains = 1.0 / np.log2(np.arange(2, CUT + 2))
        ideal = np.cumsum(gains)[np.minimum(self.num_targets, CUT) - 1]
        found: np.ndarray = hits @ gains[:cut] / ideal
        return found


def pool_of(signals: Signals, split: Split, mask_seen: bool) -> CandidatePool:
    """The pool of a split's users."""
    found = [_chunk(signals, split, start, stop, mask_seen) for start, stop in chunks(split)]
    return CandidatePool(
        np.concatenate([part.parts for part in found], axis=1),
        np.concatenate([part.hits for part in found]),
        np.concatenate([part.blocked for part in found]),
        np.concatenate([part.num_targets for part in found]),
        np.concatenate([part.places for part in found]),
    )


def _chunk(signals: Signals, split: Split, start: int, stop: int, mask_seen: bool) -> CandidatePool:
    users, targets = split.users[start:stop], split.targets[start:stop]
    parts = signals.parts(histories_of(split.train, users), EVERY)
    places = np.concatenate([_best(part, split, users, mask_seen) for part in parts], axis=1)
    places.sort(axis=1)
    allowed = np.zeros(parts[0].shape, np.float32)
    hide(allowed, split, users, mask_seen, None)
    blocked = np.take_along_axis(allowed, places, 1) < 0.0
    blocked[:, 1:] |= places[:, 1:] == places[:, :-1]
    wanted = np.asarray(targets.todense(), bool)
    return CandidatePool(
        np.stack([np.take_along_axis(part, places, 1) for part in parts]),
        np.take_along_axis(wanted, places, 1) & ~blocked,
        blocked,
        np.diff(targets.indptr),
        places,
    )


def _best(part: np.ndarray, split: Split, users: np.ndarray, mask_seen: bool) -> np.ndarray:
    scores = np.array(part)
    hide(scores, split, users, mask_seen, None)
    return best_places(scores)


def best_places(scores: np.ndarray) -> np.ndarray:
    """`[B, P] int64`: the best `PER_SIGNAL` places of each row; the best again where fewer are allowed."""
    found = top_places(scores, min(PER_SIGNAL, scores.shape[1])).astype(np.int64)
    return np.where(found < 0, np.maximum(found[:, :1], 0), found)
