"""Percentile bootstrap over users."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NUM_SAMPLES = 1_000
AT_ONCE = 50


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


def mean_interval(values: np.ndarray, seed: int = 0, num_samples: int = NUM_SAMPLES) -> Interval:
    """Mean of `[B] float64` with the percentile interval of `num_samples` resamples of users."""
    if len(values) == 0:
        return Interval(0.0, 0.0, 0.0)
    generator = np.random.default_rng(seed)
    means: list[np.ndarray] = []
    for start in range(0, num_samples, AT_ONCE):
        count = min(AT_ONCE, num_samples - start)
        drawn = generator.integers(0, len(values), (count, len(values)))
        means.append(values[drawn].mean(1))
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def noise(differences: np.ndarray) -> float:
    """Two standard errors of the mean of `[B]` paired differences: what chance makes of it, 95 % sure."""
    return 2.0 * float(differences.std() / np.sqrt(max(len(differences), 1)))


def paired_difference(
    ours: np.ndarray, theirs: np.ndarray, seed: int = 0, num_samples: int = NUM_SAMPLES
) -> Interval:
    """Mean of `ours - theirs` `[B]` over the same users; exactly 0 for equal inputs."""
    return mean_interval(ours - theirs, seed, num_samples)
