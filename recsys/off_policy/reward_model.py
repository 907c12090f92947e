"""A guess at each candidate's reward, never from the decision it is used for."""

from __future__ import annotations

import numpy as np

from recsys.off_policy.decisions import DecisionLog

FOLDS = 5
PRIOR = 20.0
"""Decisions of the overall mean that stand beside an item's own."""


def cross_fitted(log: DecisionLog, seed: int = 0) -> np.ndarray:
    """`[M] float64`: expected reward of every candidate, learned from other shoppers' decisions.

    With features a ridge regression on them (scikit-learn), else each item's mean reward, drawn to the
    overall one.
    """
    rng = np.random.default_rng(seed)
    units = int(log.unit.max()) + 1 if len(log) else 0
    fold = rng.integers(FOLDS, size=max(units, 1))[log.unit]
    guessed = np.zeros(len(log.items))
    for number in range(FOLDS):
        asked = (fold == number)[log.decision]
        known = fold != number
        if known.any() and asked.any():
            guess = _by_features if log.features is not None else _by_item
            guessed[asked] = guess(log, known, asked)
    return guessed


def _by_features(log: DecisionLog, known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    assert log.features is not None
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 7)))
    model.fit(log.features[log.chosen[known]], log.reward[known])
    return np.asarray(model.predict(log.features[asked]), np.float64)


def _by_item(log: DecisionLog, known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    items, number = np.unique(log.items.astype(str), return_inverse=True)
    chosen = number[log.chosen[known]]
    sums = np.bincount(chosen, log.reward[known], minlength=len(items))
    counts = np.bincount(chosen, minlength=len(items))
    mean = float(log.reward[known].mean())
    means = (sums + PRIOR * mean) / (counts + PRIOR)
    return np.asarray(means[number[asked]], np.float64)
