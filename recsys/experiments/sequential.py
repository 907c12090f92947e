"""Looking at a running experiment without fooling oneself, in two ways.

`anytime_p_value` holds at whatever moment one looks (mixture sequential test: Robbins 1970; Johari et
al. 2017; with estimated variances: Waudby-Smith et al. 2021), and pays for it with power.
`group_boundaries` holds for looks that were planned, such as one a day until a date, and spends the
whole error on them (alpha spending: Lan, DeMets 1983; recursion: Armitage, McPherson, Rowe 1969).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

GRID = 801
REACH = 8.0
TUNED_FOR = 4_000
"""Shoppers for which the mixture is tightest."""


def anytime_p_value(z: float, users: int, alpha: float = 0.05, tuned_for: int = TUNED_FOR) -> float:
    """Chance, under no difference, of ever seeing a difference as clear as this one.

    `z` is the difference in standard errors, `users` the shoppers in both arms. 1 without shoppers.
    """
    if users <= 0:
        return 1.0
    mass = users * _mixture(alpha, tuned_for)
    return min(1.0, math.sqrt(mass + 1.0) * math.exp(-0.5 * z * z * mass / (mass + 1.0)))


def anytime_reach(users: int, alpha: float = 0.05, tuned_for: int = TUNED_FOR) -> float:
    """Half the width, in standard errors, of the interval that holds at every moment at once."""
    if users <= 0:
        return math.inf
    mass = users * _mixture(alpha, tuned_for)
    return math.sqrt(2.0 * (mass + 1.0) / mass * math.log(math.sqrt(mass + 1.0) / alpha))


def _mixture(alpha: float, tuned_for: int) -> float:
    steepness = -2.0 * math.log(alpha)
    return (steepness + math.log(steepness) + 1.0) / tuned_for


def spent(fraction: float, alpha: float = 0.05) -> float:
    """Error that may be spent by a fraction of the planned time: Pocock-like, alpha * ln(1 + (e - 1) t)."""
    return alpha * math.log1p((math.e - 1.0) * min(max(fraction, 0.0), 1.0))


def group_boundaries(
    fractions: Sequence[float], information: Sequence[float], alpha: float = 0.05
) -> list[float]:
    """Least `|z|` at each look that counts as a difference; two-sided.

    `fractions`: ascending shares of the planned time at the looks, `information`: what was known at each
    (one over the variance), ascending. A look that brings no information cannot end the experiment.
    """
    bounds: list[float] = []
    grid = np.linspace(-REACH, REACH, GRID)
    density: np.ndarray | None = None
    known, before = 0.0, 0.0
    for fraction, now in zip(fractions, information, strict=True):
        step = spent(fraction, alpha) - before
        if now <= known * (1.0 + 1e-9) or step <= 1e-12:
            bounds.append(math.inf)
            continue
        scores, density = _next_density(grid, density, known, now)
        bound = _bound(scores, density, step)
        density = np.where(np.abs(scores) < bound, density, 0.0)
        bounds.append(bound)
        known, before = now, before + step
    return bounds


def _next_density(
    grid: np.ndarray, density: np.ndarray | None, known: float, now: float
) -> tuple[np.ndarray, np.ndarray]:
    """Density of z at the next look among paths that went on; independent increments of information."""
    if density is None:
        return grid, norm.pdf(grid)
    weight = math.sqrt(known / now)
    spread = math.sqrt(1.0 - known / now)
    kernel = norm.pdf((grid[:, None] - weight * grid[None, :]) / spread) / spread
    return grid, kernel @ density * (grid[1] - grid[0])


def _bound(grid: np.ndarray, density: np.ndarray, step: float) -> float:
    """The `|z|` beyond which the paths have a chance of `step`."""
    width = grid[1] - grid[0]
    middle = len(grid) // 2
    tail = (density[middle:] + density[middle::-1]) * width
    tail[0] /= 2.0
    beyond = np.concatenate([np.cumsum(tail[::-1])[::-1], [0.0]])
    edges = np.concatenate([[0.0], grid[middle:] + width / 2.0])
    return float(np.interp(-step, -beyond, edges))
