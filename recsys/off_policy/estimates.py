"""Values of a policy that was not in force: IPS, SNIPS and DR, with intervals over shoppers.

Horvitz, Thompson 1952; Swaminathan, Joachims 2015 (self-normalised); Dudík, Langford, Li 2011 (doubly
robust). The value is the mean reward of a decision, over the population that shoppers were drawn from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from recsys.off_policy.decisions import DecisionLog


@dataclass(frozen=True)
class Estimate:
    """A value with what it rests on."""

    value: float
    low: float
    high: float
    """Interval by Student's t over shoppers; infinite with fewer than two."""
    effective_decisions: float
    """`(sum of weights)^2 / sum of squared weights`: equal decisions that would weigh as much."""
    largest_share: float
    """Of all weight, in one decision."""


def weights_of(log: DecisionLog, target: np.ndarray) -> np.ndarray:
    """`[N] float64`: how much more often the target would have chosen what was chosen."""
    return np.asarray(target[log.chosen] / log.propensity)


def ips(log: DecisionLog, target: np.ndarray, clip: float = math.inf, confidence: float = 0.95) -> Estimate:
    """Inverse propensity scoring; weights above `clip` are cut, which biases the value downwards."""
    weights = np.minimum(weights_of(log, target), clip)
    return _estimate(log, weights * log.reward, None, weights, confidence)


def snips(log: DecisionLog, target: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Self-normalised IPS: does not move when a constant is added to every reward."""
    weights = weights_of(log, target)
    total = float(weights.sum())
    value = float((weights * log.reward).sum()) / total if total > 0.0 else 0.0
    mean = total / max(len(log), 1)
    influence = weights * (log.reward - value) / mean if mean > 0.0 else np.zeros(len(log))
    return _estimate(log, influence + value, value, weights, confidence)


def dr(log: DecisionLog, target: np.ndarray, rewards: np.ndarray, confidence: float = 0.95) -> Estimate:
    """Doubly robust: a model's `rewards` `[M]` for every candidate, corrected by what was seen.

    Unbiased whatever the model says, as long as it did not see the decision it is used for.
    """
    weights = weights_of(log, target)
    direct = log.sums(target * rewards)
    return _estimate(log, direct + weights * (log.reward - rewards[log.chosen]), None, weights, confidence)


def direct_method(log: DecisionLog, target: np.ndarray, rewards: np.ndarray) -> float:
    """The model's own value of the target; wrong by as much as the model is."""
    return float(log.sums(target * rewards).mean()) if len(log) else 0.0


def _estimate(
    log: DecisionLog, parts: np.ndarray, value: float | None, weights: np.ndarray, confidence: float
) -> Estimate:
    count = len(log)
    center = float(parts.mean()) if value is None and count else value or 0.0
    units = int(log.unit.max()) + 1 if count else 0
    reach = math.inf
    if units > 1:
        deviations = np.bincount(log.unit, parts - center, minlength=units)
        present = np.bincount(log.unit, minlength=units) > 0
        units = int(present.sum())
        error = math.sqrt(units / (units - 1.0) * float((deviations**2).sum())) / count
        reach = float(student.ppf(0.5 + confidence / 2.0, units - 1)) * error
    squares, total = float((weights**2).sum()), float(weights.sum())
    return Estimate(
        center,
        center - reach,
        center + reach,
        total**2 / squares if squares > 0.0 else 0.0,
        float(weights.max()) / total if total > 0.0 else 1.0,
    )
