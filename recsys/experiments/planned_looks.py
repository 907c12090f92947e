"""Looks that were planned: error is spent over them, so that looking costs little (Lan, DeMets 1983).

Estimates at successive looks share shoppers. How they hang together is taken from the shoppers themselves
rather than assumed, and boundaries are quantiles of many drawn paths with that covariance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from recsys.experiments.estimate import Contrast

NUM_PATHS = 50_000
"""Chance of a false positive is met to within about .001."""
STEPS = 12


def spent(fraction: float, alpha: float) -> float:
    """Error that may have been spent by a fraction of the planned time: next to none early.

    O'Brien-Fleming-like, half of alpha on each side, so that the last look is nearly as sharp as an
    experiment without looks.
    """
    if fraction <= 0.0:
        return 0.0
    return float(4.0 * norm.sf(norm.isf(alpha / 4.0) / math.sqrt(min(fraction, 1.0))))


def drawn_paths(looks: Sequence[Contrast], seed: int = 0, num_paths: int = NUM_PATHS) -> np.ndarray:
    """`[num_paths, looks] float64`: `|z|` at each look as it would be without an effect."""
    contributions = np.stack([look.contributions for look in looks])
    covariance = contributions @ contributions.T
    errors = np.sqrt(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance / np.outer(errors, errors))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = np.random.default_rng(seed).standard_normal((num_paths, len(looks)))
    return np.asarray(np.abs(normal @ root.T))


def boundaries(paths: np.ndarray, fractions: Sequence[float], alpha: float) -> np.ndarray:
    """`[looks] float64`: the `|z|` above which each look ends the experiment; infinite where none may.

    `fractions` are the looks' shares of the planned time, ascending. What an early look leaves unspent
    goes to the next.
    """
    alive = paths
    ends = np.full(paths.shape[1], np.inf)
    for look, fraction in enumerate(fractions):
        gone = len(paths) - len(alive)
        may_go = int(spent(fraction, alpha) * len(paths)) - gone
        if may_go > 0:
            column = alive[:, look]
            ends[look] = np.partition(column, len(column) - may_go)[len(column) - may_go]
            alive = alive[column < ends[look]]
    return ends


def p_value(paths: np.ndarray, fractions: Sequence[float], z: np.ndarray) -> float:
    """The least alpha whose boundaries were crossed by `|z|` `[looks]` (repeated p-value, to 1 %).

    1 where not even an alpha of one half was crossed; never below one in a thousand, which so many paths
    cannot tell apart.
    """
    low, high = 1e-3, 0.5
    if not crossed(paths, fractions, z, high):
        return 1.0
    if crossed(paths, fractions, z, low):
        return low
    for _ in range(STEPS):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if crossed(paths, fractions, z, middle) else (middle, high)
    return high


def crossed(paths: np.ndarray, fractions: Sequence[float], z: np.ndarray, alpha: float) -> bool:
    """Whether any look was beyond its boundary."""
    return bool(np.any(np.abs(z) >= boundaries(paths, fractions, alpha)))
