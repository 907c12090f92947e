"""What an experiment has shown so far, said so that nobody has to know statistics to read it right."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import chisquare

from recsys.config import Config
from recsys.experiments.attribution import DAY_US, Outcomes
from recsys.experiments.comparison import Difference, difference, estimate
from recsys.experiments.experiment import Experiment, Measure
from recsys.experiments.sequential import anytime_p_value, anytime_reach, group_boundaries

ALPHA = 0.05
BROKEN_RATIO = 0.001
"""Chance below which numbers of shoppers do not come from the planned shares."""
LEAST_USERS = 100
"""Shoppers in each arm before anything is said."""


class ArmResult(Config):
    """One arm beside the control."""

    arm: str
    users: int
    lists: int
    value: float
    """Of the primary measure."""
    difference: float | None = None
    """Against the control."""
    interval: tuple[float, float] | None = None
    """Of the difference, 95 %, for one look at a planned end."""
    anytime_interval: tuple[float, float] | None = None
    """Of the difference, 95 %, whenever one looks."""
    lift: float | None = None
    """Relative difference."""
    lift_interval: tuple[float, float] | None = None
    p_value: float | None = None
    """For one look at a planned end."""
    anytime_p_value: float | None = None
    """Whenever one looks."""
    planned_look: bool | None = None
    """Whether daily looks until the planned end have found a difference; None without an end."""
    measures: dict[Measure, float]
    """Every measure."""


class ExperimentResult(Config):
    """An experiment as it stands."""

    experiment_id: str
    primary: Measure
    days: int
    arms: tuple[ArmResult, ...]
    """The control first."""
    sample_ratio_p_value: float
    """Chance of such numbers of shoppers under the planned shares."""
    guardrails: dict[str, str]
    """`arm measure` -> `kept`, `broken` or `not clear yet`."""
    verdict: str
    """What to do about it, in words."""


def result_of(experiment: Experiment, outcomes: Outcomes) -> ExperimentResult:
    """The result of an experiment's outcomes; arms without shoppers have values of 0."""
    last = max(outcomes.num_days - 1, 0)
    figures = outcomes.until(last)
    shares = [arm.share for arm in experiment.arms]
    ratio = _sample_ratio(np.bincount(outcomes.arms, minlength=len(shares)), shares)
    arms = [_arm(experiment, outcomes, figures, number) for number in range(len(experiment.arms))]
    guardrails = _guardrails(experiment, outcomes, figures)
    return ExperimentResult(
        experiment_id=experiment.experiment_id,
        primary=experiment.primary,
        days=outcomes.num_days,
        arms=tuple(arms),
        sample_ratio_p_value=ratio,
        guardrails=guardrails,
        verdict=_verdict(arms, ratio, guardrails),
    )


def planned_looks(experiment: Experiment, outcomes: Outcomes, treated: int) -> bool | None:
    """Whether one of the daily looks so far has found a difference; None without a planned end."""
    if experiment.starts_at is None or experiment.ends_at is None:
        return None
    planned = (experiment.ends_at - experiment.starts_at).total_seconds() * 1e6 / DAY_US
    looks = [
        difference(experiment.primary, outcomes.until(day), outcomes.arms, treated)
        for day in range(outcomes.num_days)
    ]
    return found_by_looks(looks, [min((day + 1) / planned, 1.0) for day in range(len(looks))])


def found_by_looks(looks: Sequence[Difference], fractions: Sequence[float], alpha: float = ALPHA) -> bool:
    """Whether any of the looks is beyond its boundary."""
    information = [1.0 / look.error**2 if 0.0 < look.error < math.inf else 0.0 for look in looks]
    bounds = group_boundaries(fractions, information, alpha)
    return any(abs(look.z) >= bound for look, bound in zip(looks, bounds, strict=True))


def _arm(
    experiment: Experiment, outcomes: Outcomes, figures: Mapping[str, np.ndarray], number: int
) -> ArmResult:
    users = outcomes.arms == number
    values = {measure: estimate(measure, figures, users).value for measure in Measure}
    plain = ArmResult(
        arm=experiment.arms[number].name,
        users=int(users.sum()),
        lists=int(figures["lists"][users].sum()),
        value=values[experiment.primary],
        measures=values,
    )
    if number == 0:
        return plain
    found = difference(experiment.primary, figures, outcomes.arms, number)
    if not math.isfinite(found.error):
        return plain
    compared = found.control.users + found.treated.users
    reach = anytime_reach(compared) * found.error
    lift, low, high = found.relative()
    return plain.model_copy(
        update={
            "difference": found.value,
            "interval": found.interval(),
            "anytime_interval": (found.value - reach, found.value + reach),
            "lift": None if math.isnan(lift) else lift,
            "lift_interval": None if math.isnan(lift) else (low, high),
            "p_value": found.p_value,
            "anytime_p_value": anytime_p_value(found.z, compared),
            "planned_look": planned_looks(experiment, outcomes, number),
        }
    )


def _sample_ratio(users: np.ndarray, shares: Sequence[float]) -> float:
    if not users.sum():
        return 1.0
    expected = np.array(shares) / sum(shares) * users.sum()
    return float(chisquare(users, expected).pvalue)


def _guardrails(
    experiment: Experiment, outcomes: Outcomes, figures: Mapping[str, np.ndarray]
) -> dict[str, str]:
    found = {}
    for guardrail in experiment.guardrails:
        for number, arm in enumerate(experiment.arms[1:], 1):
            one = difference(guardrail.measure, figures, outcomes.arms, number)
            floor = -guardrail.most_loss * one.control.value
            reach = anytime_reach(one.control.users + one.treated.users) * one.error
            kept, broken = one.value - reach >= floor, one.value + reach < floor
            state = "kept" if kept else "broken" if broken else "not clear yet"
            found[f"{arm.name} {guardrail.measure.value}"] = state
    return found


def _verdict(arms: Sequence[ArmResult], ratio: float, guardrails: Mapping[str, str]) -> str:
    """Only tests that bear daily looks have a say."""
    if ratio < BROKEN_RATIO:
        return "sample ratio broken: shoppers were not spread as planned, nothing can be concluded"
    if broken := sorted(name for name, state in guardrails.items() if state == "broken"):
        return f"stop: {', '.join(broken)} is beyond its guardrail"
    if min(arm.users for arm in arms) < LEAST_USERS:
        return f"not enough data: {LEAST_USERS} shoppers in each arm are needed"
    clear = [arm for arm in arms[1:] if arm.planned_look or (arm.anytime_p_value or 1.0) < ALPHA]
    if not clear:
        return "no difference seen so far"
    best = max(clear, key=lambda arm: arm.difference or 0.0)
    if (best.difference or 0.0) > 0.0:
        return f"{best.arm} is better than {arms[0].arm}"
    return f"{arms[0].arm} is better than {', '.join(arm.arm for arm in clear)}"
