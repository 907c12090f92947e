"""A measure in two arms: values, difference, interval. Ratios by the delta method over shoppers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from recsys.experiments.experiment import Measure

RATIOS = {
    Measure.CLICK_THROUGH: ("clicked_lists", "lists"),
    Measure.CONVERSION: ("converted_lists", "lists"),
    Measure.CLICKS_PER_USER: ("clicks", None),
    Measure.PURCHASES_PER_USER: ("purchases", None),
    Measure.REVENUE_PER_USER: ("revenue", None),
}
"""Numerator and denominator of each; None: the number of shoppers."""


@dataclass(frozen=True)
class Estimate:
    """A ratio of two sums over shoppers."""

    value: float
    variance: float
    """Of the value; infinite with fewer than two shoppers."""
    users: int


@dataclass(frozen=True)
class Difference:
    """Second arm less the first."""

    control: Estimate
    treated: Estimate

    @property
    def value(self) -> float:
        """How much larger the second is."""
        return self.treated.value - self.control.value

    @property
    def error(self) -> float:
        """Standard error."""
        return math.sqrt(self.control.variance + self.treated.variance)

    @property
    def z(self) -> float:
        """Difference in standard errors; 0 where there is nothing to compare."""
        return self.value / self.error if 0.0 < self.error < math.inf else 0.0

    @property
    def p_value(self) -> float:
        """Two-sided, for one look at a number of shoppers that was chosen before."""
        return float(2.0 * norm.sf(abs(self.z)))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Of the difference."""
        reach = float(norm.ppf(0.5 + confidence / 2.0)) * self.error
        return self.value - reach, self.value + reach

    def relative(self, confidence: float = 0.95) -> tuple[float, float, float]:
        """Lift against the control with its interval, by the delta method on the logarithm; NaN at 0."""
        low, high = self.control.value, self.treated.value
        if low <= 0.0 or high <= 0.0:
            return (math.nan, math.nan, math.nan)
        spread = math.sqrt(self.control.variance / low**2 + self.treated.variance / high**2)
        reach = float(norm.ppf(0.5 + confidence / 2.0)) * spread
        log = math.log(high / low)
        return math.expm1(log), math.expm1(log - reach), math.expm1(log + reach)


def estimate(measure: Measure, figures: Mapping[str, np.ndarray], users: np.ndarray) -> Estimate:
    """A measure over some shoppers (`[U] bool`), variance by the delta method (Deng et al. 2018)."""
    over, under = RATIOS[measure]
    numerator = figures[over][users]
    denominator = np.ones(len(numerator)) if under is None else figures[under][users]
    count, total = len(numerator), float(denominator.sum())
    if count < 2 or total <= 0.0:
        return Estimate(0.0, math.inf, count)
    value = float(numerator.sum()) / total
    residuals = numerator - value * denominator
    variance = count / (count - 1.0) * float((residuals**2).sum()) / total**2
    return Estimate(value, variance, count)


def difference(
    measure: Measure, figures: Mapping[str, np.ndarray], arms: np.ndarray, treated: int, control: int = 0
) -> Difference:
    """A measure in one arm beside the control."""
    return Difference(
        estimate(measure, figures, arms == control), estimate(measure, figures, arms == treated)
    )
