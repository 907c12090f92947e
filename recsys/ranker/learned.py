"""LightGBM's lambdarank over the union of all signals' candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.blend.histories import Histories, histories_of
from recsys.blend.pool import EVERY, CandidatePool, best_places, pool_of
from recsys.blend.settings import Blend
from recsys.blend.signals import Signals
from recsys.errors import ConfigError
from recsys.evaluation.splits import Split
from recsys.metrics import Interval, paired_difference
from recsys.ranker.features import ItemFacts, features

TREES = 150
SETTINGS = {
    "objective": "lambdarank", "lambdarank_truncation_level": 20, "num_leaves": 7, "learning_rate": 0.05,
    "min_data_in_leaf": 50, "feature_fraction": 0.7, "deterministic": True, "force_row_wise": True,
    "verbose": -1,
}  # fmt: skip
ROWS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class LearnedRanker:
    """A scorer: candidates in the learned order, then all other items by the blend."""

    signals: Signals
    blend: Blend
    facts: ItemFacts
    booster: Any
    mask_seen: bool

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`; only the order means anything."""
        starts = range(0, len(histories), ROWS_AT_ONCE)
        found = [self._scores(histories.part(at, min(at + ROWS_AT_ONCE, len(histories)))) for at in starts]
        return np.concatenate(found)

    def _scores(self, histories: Histories) -> np.ndarray:
        parts = np.stack(self.signals.parts(histories, EVERY))
        total = self.signals.scores(histories, self.blend)
        allowed = total.copy()
        if self.mask_seen:
            allowed[histories.rows, histories.items] = -np.inf
            parts[:, histories.rows, histories.items] = -np.inf
        places = np.concatenate([best_places(part) for part in parts], axis=1)
        places.sort(axis=1)
        chosen = np.stack([np.take_along_axis(part, places, 1) for part in parts])
        chosen = np.nan_to_num(chosen, neginf=0.0)
        rows = features(self.signals, self.blend, self.facts, histories, places, chosen)
        learned = _of_first_copies(_predicted(self.booster, rows), places)
        lift = float(np.nanmax(np.abs(total), initial=1.0)) * 2.0 + 1.0
        total -= total.max(1, keepdims=True) + np.float32(lift)
        spread = np.float32(1.0 / (1.0 + np.abs(learned).max(initial=1.0)))
        np.put_along_axis(total, places, (learned * spread).astype(np.float32), axis=1)
        return total


@dataclass(frozen=True, eq=False)
class RankerFit:
    """A ranker fitted on validation questions, and how it did where it had not seen the users."""

    booster: Any
    validation: float
    """NDCG@10, each half of the users ranked by what was learned from the other."""
    gain: Interval
    """Over the blend, paired by user."""

    def earns_its_place(self, min_gain: float) -> bool:
        """Whether the gain is sure, and at least `min_gain` of the blend's NDCG@10."""
        before = self.validation - self.gain.mean
        return self.gain.low > 0.0 and self.gain.mean >= min_gain * before


def fit_ranker(
    signals: Signals, blend: Blend, facts: ItemFacts, question: Split, mask_seen: bool, seed: int
) -> RankerFit:
    """Learn from a validation split whose training events the signals were made from.

    Raises `ConfigError` where LightGBM cannot be loaded.
    """
    pool = pool_of(signals, question, mask_seen)
    histories = histories_of(question.train, question.users)
    rows = features(signals, blend, facts, histories, pool.places, pool.parts)
    half = np.random.default_rng(seed).permutation(len(pool.hits)) % 2 == 0
    learned = np.empty(pool.hits.shape, np.float32)
    for own in (half, ~half):
        if own.any() and (~own).any():
            learned[own] = _predicted(_boosted(pool, rows, ~own, seed), rows[own])
    found = pool.with_parts(learned[None]).ndcgs((1.0,))
    gain = paired_difference(found, pool.ndcgs(blend.factors()), seed)
    return RankerFit(_boosted(pool, rows, np.ones(len(half), bool), seed), float(found.mean()), gain)


def _boosted(pool: CandidatePool, rows: np.ndarray, users: np.ndarray, seed: int) -> Any:
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # the wheel needs the system's OpenMP library
        raise ConfigError("LightGBM cannot be loaded", expected="libgomp1", found=str(error)) from error
    users = users & pool.hits.any(1)
    kept = ~pool.blocked[users]
    labels, sizes = pool.hits[users][kept].astype(np.int8), kept.sum(1)
    data = lightgbm.Dataset(rows[users][kept], labels, group=sizes)
    return lightgbm.train({**SETTINGS, "seed": seed}, data, TREES)


def _of_first_copies(learned: np.ndarray, places: np.ndarray) -> np.ndarray:
    """What was predicted for the first of equal `places` (ascending), for all of them.

    A candidate of several signals stands there several times, with another rank each time; the first
    is the one that a pool keeps.
    """
    again = np.zeros(places.shape, bool)
    again[:, 1:] = places[:, 1:] == places[:, :-1]
    first = np.maximum.accumulate(np.where(again, 0, np.arange(places.shape[1])), axis=1)
    return np.take_along_axis(learned, first, 1)


def _predicted(booster: Any, rows: np.ndarray) -> np.ndarray:
    flat = booster.predict(rows.reshape(-1, rows.shape[2]))
    return np.asarray(flat, np.float32).reshape(rows.shape[:2])
