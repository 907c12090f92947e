"""A measure of one arm with its noise, and two arms compared: the delta method over shoppers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import norm, t

from recsys.experiments.measure import RATIOS, Measure
from recsys.experiments.outcomes import Outcomes

MIN_UNITS = 100
MIN_ACTIVE = 50
"""Shoppers, and shoppers who did it at all, in each arm below which no normal law is trusted."""
MANY = 1e6
"""Degrees of freedom from which Student's law is the normal one."""


@dataclass(frozen=True)
class Estimate:
    """A ratio of two sums over the shoppers of one arm."""

    value: float
    """0 where nothing was counted."""
    influence: np.ndarray
    """`[n] float64`, by how much each shopper moves the logarithm of the value; sums to 0."""
    places: np.ndarray
    """`[n] intp`, the shoppers, as in `Outcomes.places`."""
    active: int
    """Shoppers whose numerator is not 0."""

    @property
    def enough(self) -> bool:
        """Whether there are shoppers and actions enough for an interval."""
        return len(self.places) >= MIN_UNITS and self.active >= MIN_ACTIVE and self.value > 0.0


@dataclass(frozen=True)
class Contrast:
    """An estimate of how two arms differ, with what each of all `U` shoppers adds to its noise."""

    estimate: float
    contributions: np.ndarray
    """`[U] float64`, sums to 0."""

    @cached_property
    def error(self) -> float:
        """Standard error; 0 where there is no noise at all."""
        return float(np.sqrt(np.sum(self.contributions**2)))

    @cached_property
    def degrees(self) -> float:
        """Degrees of freedom of the error (Satterthwaite 1946): few where a few shoppers spend most."""
        squares = self.contributions**2
        total = float(squares.sum())
        if total <= 0.0:
            return 1.0
        uncertain = float((squares**2).sum()) / total**2 - 1.0 / float(np.count_nonzero(squares))
        return min(max(2.0 / uncertain, 1.0), MANY) if uncertain > 0.0 else MANY

    @cached_property
    def z(self) -> float:
        """The estimate as a standard normal without an effect would have it; 0 where there is no noise.

        An error that is itself uncertain makes large ratios more likely (Student), which early looks at
        heavy-tailed measures would take for an effect.
        """
        if self.error <= 0.0:
            return 0.0
        ratio = abs(self.estimate) / self.error
        return float(np.copysign(norm.isf(t.sf(ratio, self.degrees)), self.estimate))

    def reach(self, z: float) -> float:
        """Half the width of the interval outside of which the estimate is `z` or more away."""
        return float(t.isf(norm.sf(z), self.degrees)) * self.error


def estimate(outcomes: Outcomes, arm: int, measure: Measure) -> Estimate:
    """The measure of one arm.

    Its noise is that of a ratio of two means over shoppers (delta method; Deng, Knoblich, Lu 2018), so that
    many lists of one shopper count as one shopper's.
    """
    ratio = RATIOS[measure]
    rows = np.flatnonzero(outcomes.arm == arm)
    top: np.ndarray = getattr(outcomes, ratio.numerator)[rows]
    base = outcomes.exposures[rows] if ratio.per_list else np.ones(len(rows))
    total = float(top.sum())
    value = total / float(base.sum()) if len(rows) else 0.0
    influence = (top - value * base) / total if total > 0.0 else np.zeros(len(rows))
    return Estimate(value, influence, outcomes.places[rows], int(np.count_nonzero(top)))


def log_lift(
    arm: Estimate, control: Estimate, num_units: int, covariate: np.ndarray | None = None
) -> Contrast:
    """Logarithm of arm over control; both values must be above 0.

    On this scale successive estimates of one experiment have nearly independent increments (a shopper's
    outcomes grow over time, their ratio between the arms does not), which looking several times relies on.
    `covariate` `[U] float64` is known from before the experiment; the noise that it explains is taken away
    (CUPED; Deng, Xu, Kohavi, Walker 2013).
    """
    plain = _contrast(float(np.log(arm.value / control.value)), (1.0, 1.0), arm, control, num_units)
    return plain if covariate is None else _adjusted(plain, arm, control, covariate)


def difference(
    arm: Estimate, control: Estimate, num_units: int, covariate: np.ndarray | None = None
) -> Contrast:
    """Arm less control on the measure's own scale, otherwise as `log_lift`."""
    scales = (arm.value, control.value)
    plain = _contrast(arm.value - control.value, scales, arm, control, num_units)
    return plain if covariate is None else _adjusted(plain, arm, control, covariate)


def _contrast(
    gap: float, scales: tuple[float, float], arm: Estimate, control: Estimate, num_units: int
) -> Contrast:
    contributions = np.zeros(num_units)
    contributions[arm.places] = scales[0] * arm.influence
    contributions[control.places] = -scales[1] * control.influence
    return Contrast(gap, contributions)


def _adjusted(plain: Contrast, arm: Estimate, control: Estimate, covariate: np.ndarray) -> Contrast:
    """Less what the covariate explains; as it was where the covariate is the same for all."""
    explains = np.zeros(len(plain.contributions))
    means = []
    for sign, side in ((1.0, arm), (-1.0, control)):
        own = covariate[side.places]
        means.append(float(own.mean()))
        explains[side.places] = sign * (own - own.mean()) / len(own)
    power = float(explains @ explains)
    if power <= 0.0:
        return plain
    slope = float(plain.contributions @ explains) / power
    shift = slope * (means[0] - means[1])
    return Contrast(plain.estimate - shift, plain.contributions - slope * explains)
