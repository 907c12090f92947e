"""Policies to be judged: the chance that each would have given to every candidate of every decision."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from recsys.errors import InputError
from recsys.off_policy.decisions import DecisionLog


def uniform(log: DecisionLog) -> np.ndarray:
    """All candidates alike, `[M] float64`."""
    return np.repeat(1.0 / np.diff(log.offsets), np.diff(log.offsets))


def greedy(log: DecisionLog, scores: np.ndarray, epsilon: float = 0.0) -> np.ndarray:
    """The best by `scores` `[M]` (ties to the earlier), and with `epsilon` any candidate; `[M] float64`."""
    best = np.zeros(len(scores))
    order = np.lexsort((np.arange(len(scores)), -np.asarray(scores, np.float64), log.decision))
    best[order[log.offsets[:-1]]] = 1.0
    return (1.0 - epsilon) * best + epsilon * uniform(log)


def softmax(log: DecisionLog, scores: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Chances proportional to `exp(score / temperature)`, `[M]`; raises `InputError` for 0 or less."""
    if temperature <= 0.0:
        raise InputError("a temperature must be above 0", found=str(temperature))
    scaled = np.asarray(scores, np.float64) / temperature
    highest = np.maximum.reduceat(scaled, log.offsets[:-1])
    weights = np.exp(scaled - highest[log.decision])
    return np.asarray(weights / log.sums(weights)[log.decision])


def scores_of(log: DecisionLog, by_item: Mapping[str, float], otherwise: float = 0.0) -> np.ndarray:
    """`[M] float64` scores of candidates that depend on the item alone."""
    return np.array([by_item.get(item, otherwise) for item in log.items.tolist()], np.float64)


def check_target(log: DecisionLog, chances: np.ndarray) -> None:
    """Raise `InputError` for chances `[M]` that are no chances."""
    fits = len(chances) == len(log.items) and bool(np.all(np.isfinite(chances)))
    if not fits or np.any(chances < 0.0) or np.any(np.abs(log.sums(chances) - 1.0) > 1e-6):
        raise InputError(
            "a policy's chances are no chances",
            expected="a finite share of 1 for every candidate of a decision",
        )
