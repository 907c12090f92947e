"""Results of an experiment from its exposures and the events that followed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from scipy.stats import chisquare

from recsys.experiments.attribution import attribute
from recsys.experiments.comparing import Seen, compare, watch
from recsys.experiments.estimate import estimate
from recsys.experiments.experiment import Experiment
from recsys.experiments.exposure import Exposure
from recsys.experiments.looks import look_times
from recsys.experiments.measure import Measure
from recsys.experiments.outcomes import Attributed, Outcomes
from recsys.experiments.preference import preference
from recsys.experiments.result import ArmResult, ExperimentResults, InterleavingResults, SampleRatio
from recsys.experiments.verdict import verdict
from recsys.history import Response

BROKEN_BELOW = 1e-3


def results(
    experiment: Experiment,
    exposures: Iterable[Exposure],
    events: Iterable[Response],
    now_us: int,
    *,
    prices: Mapping[str, float] | None = None,
    covariate: Mapping[str, float] | None = None,
) -> ExperimentResults | InterleavingResults:
    """The experiment as it stands at `now_us`, whatever its state.

    `prices`: item -> price in the currency's smallest unit. `covariate`: shopper -> a number from before the
    experiment that goes with the measures, such as earlier purchases; who has none counts 0.
    """
    if experiment.mode == "interleave":
        return preference(experiment, exposures, events, now_us)
    return summarise(experiment, attribute(experiment, exposures, events, prices), now_us, covariate)


def summarise(
    experiment: Experiment,
    attributed: Attributed,
    now_us: int,
    covariate: Mapping[str, float] | None = None,
) -> ExperimentResults:
    """`results` of what is attributed already."""
    seen = _seen(experiment, attributed, now_us, covariate)
    treatments = range(1, len(experiment.arms))
    ratio = _sample_ratio(experiment, seen.now)
    comparisons = [compare(seen, arm, experiment.primary, often=True) for arm in treatments]
    others = [measure for measure in Measure if measure is not experiment.primary]
    guardrails = [watch(seen, arm, guardrail) for guardrail in experiment.guardrails for arm in treatments]
    return ExperimentResults(
        experiment_id=experiment.experiment_id,
        at_us=now_us,
        control=experiment.control.name,
        primary=experiment.primary,
        stopping=experiment.stopping,
        confidence=1.0 - seen.alpha,
        looks=len(seen.looks),
        moved_units=attributed.moved_units,
        arms=tuple(_arm(experiment, seen.now, arm) for arm in range(len(experiment.arms))),
        sample_ratio=ratio,
        comparisons=tuple(comparisons),
        others=tuple(compare(seen, arm, measure, often=False) for measure in others for arm in treatments),
        guardrails=tuple(guardrails),
        verdict=verdict(experiment.control.name, ratio, comparisons, guardrails, seen.alpha),
    )


def _seen(
    experiment: Experiment, attributed: Attributed, now_us: int, covariate: Mapping[str, float] | None
) -> Seen:
    known = attributed.exposure_at_us
    looks = look_times(experiment, int(known[0]), now_us) if len(known) and known[0] <= now_us else []
    values = None
    if covariate is not None:
        values = np.array([covariate.get(unit, 0.0) for unit in attributed.units], np.float64)
    return Seen(
        experiment,
        attributed.until(now_us),
        [(look, attributed.until(look.at_us)) for look in looks],
        len(attributed.units),
        values,
    )


def _arm(experiment: Experiment, outcomes: Outcomes, arm: int) -> ArmResult:
    own = outcomes.arm == arm
    return ArmResult(
        name=experiment.arms[arm].name,
        share=experiment.arms[arm].share,
        units=int(own.sum()),
        lists=int(outcomes.exposures[own].sum()),
        clicks=int(outcomes.clicks[own].sum()),
        purchases=int(outcomes.purchases[own].sum()),
        revenue=float(outcomes.revenue[own].sum()),
        values={measure: estimate(outcomes, arm, measure).value for measure in Measure},
    )


def _sample_ratio(experiment: Experiment, outcomes: Outcomes) -> SampleRatio:
    found = np.bincount(outcomes.arm, minlength=len(experiment.arms))
    shares = np.array([arm.share for arm in experiment.arms])
    expected = shares / shares.sum() * found.sum()
    chance = float(chisquare(found, expected).pvalue) if found.sum() else None
    return SampleRatio(
        expected=tuple(expected.tolist()),
        p_value=chance,
        broken=chance is not None and chance < BROKEN_BELOW,
    )
