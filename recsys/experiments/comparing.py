"""One measure of one arm beside the control, at one moment and over all looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from recsys.experiments.estimate import Contrast, difference, estimate, log_lift
from recsys.experiments.experiment import Experiment, Guardrail
from recsys.experiments.looks import Look, sequential
from recsys.experiments.measure import RATIOS, Measure
from recsys.experiments.outcomes import Outcomes
from recsys.experiments.result import Comparison, GuardrailResult, Interval

ALPHA = 0.05
ONCE = float(norm.isf(ALPHA / 2.0))


@dataclass(frozen=True)
class Seen:
    """All that comparisons are made of: outcomes now and at each look."""

    experiment: Experiment
    now: Outcomes
    looks: Sequence[tuple[Look, Outcomes]]
    num_units: int
    covariate: np.ndarray | None = None
    """`[U] float64`, of every shopper."""

    @property
    def alpha(self) -> float:
        """Chance of a wrong verdict that each arm may have (Bonferroni)."""
        return ALPHA / (len(self.experiment.arms) - 1)


def compare(seen: Seen, arm: int, measure: Measure, *, often: bool) -> Comparison:
    """The comparison; with sequential figures when `often`."""
    ours, control = estimate(seen.now, arm, measure), estimate(seen.now, 0, measure)
    plain = Comparison(
        arm=seen.experiment.arms[arm].name,
        measure=measure,
        value=ours.value,
        control_value=control.value,
        enough=ours.enough and control.enough,
    )
    if not plain.enough:
        return plain
    gap = difference(ours, control, seen.num_units, seen.covariate)
    lift = log_lift(ours, control, seen.num_units, seen.covariate)
    figures = _once(gap, lift)
    if seen.covariate is not None:
        raw = log_lift(ours, control, seen.num_units)
        figures["variance_explained"] = 1.0 - (lift.error / raw.error) ** 2 if raw.error > 0.0 else 0.0
    return plain.model_copy(update=figures | (_often(seen, arm, measure) if often else {}))


def watch(seen: Seen, arm: int, guardrail: Guardrail) -> GuardrailResult:
    """The state of a guardrail; judged by the interval that bears looking often."""
    found = compare(seen, arm, guardrail.measure, often=True)
    interval = found.sequential_interval
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    loss = guardrail.max_loss
    if not RATIOS[guardrail.measure].higher_is_better:
        low, high = None if high is None else -high, None if low is None else -low
    state = "unsure"
    if low is not None and low > -loss:
        state = "held"
    elif high is not None and high < -loss:
        state = "breached"
    return GuardrailResult(
        arm=found.arm,
        measure=guardrail.measure,
        max_loss=loss,
        state=state,
        lift=found.lift,
        sequential_interval=interval,
    )


def contrasts(seen: Seen, arm: int, measure: Measure) -> list[tuple[Look, Contrast]]:
    """The log lift at each look that had data enough."""
    found = []
    for look, outcomes in seen.looks:
        ours, control = estimate(outcomes, arm, measure), estimate(outcomes, 0, measure)
        if ours.enough and control.enough:
            found.append((look, log_lift(ours, control, seen.num_units, seen.covariate)))
    return found


def _once(gap: Contrast, lift: Contrast) -> dict[str, object]:
    half = lift.reach(ONCE)
    reach = gap.reach(ONCE)
    return {
        "difference": gap.estimate,
        "difference_interval": Interval(low=gap.estimate - reach, high=gap.estimate + reach),
        "lift": math.expm1(lift.estimate),
        "lift_interval": _lift_interval(lift.estimate - half, lift.estimate + half),
        "p_value": float(2.0 * norm.sf(abs(lift.z))),
    }


def _often(seen: Seen, arm: int, measure: Measure) -> dict[str, object]:
    found = sequential(seen.experiment, contrasts(seen, arm, measure), seen.alpha)
    if found is None:
        return {}
    return {
        "sequential_p_value": found.p_value,
        "sequential_interval": _lift_interval(found.low, found.high),
    }


def _lift_interval(low: float, high: float) -> Interval:
    """From the logarithm; what is without a bound there is so here."""
    return Interval(
        low=math.expm1(low) if math.isfinite(low) else None,
        high=math.expm1(high) if high < 700.0 else None,
    )
