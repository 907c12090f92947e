"""What an experiment's results say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from recsys.experiments.experiment import Arm, Guardrail
from recsys.experiments.exposure import Exposure
from recsys.experiments.measure import Measure
from recsys.experiments.outcomes import DISMISS, Attributed
from recsys.experiments.result import ExperimentResults, Finding
from recsys.experiments.results import results, summarise
from recsys.history import Response
from tests.unit.experiments.made import DAY_US, START_US, experiment, outcomes

NOW_US = START_US + 10 * DAY_US


def said(data: Attributed, now_us: int = NOW_US, **changes: object) -> ExperimentResults:
    return summarise(experiment(**changes), data, now_us)


@pytest.mark.parametrize("stopping", ["any_time", "planned"])
def test_a_large_effect_is_found_and_none_is_not(stopping: str) -> None:
    found = said(outcomes(1, 3_000, lift=0.6), stopping=stopping)
    assert found.verdict.finding is Finding.BETTER
    assert found.verdict.words == "B is better"
    only = found.comparisons[0]
    assert only.sequential_interval is not None
    assert only.lift_interval is not None
    assert (only.sequential_interval.low or 0.0) < (only.lift_interval.low or 0.0)
    worse = said(outcomes(1, 3_000, lift=-0.6), stopping=stopping)
    assert worse.verdict.better == "A"
    assert said(outcomes(2, 3_000), stopping=stopping).verdict.words == "no difference seen"


def test_an_ordinary_p_value_alone_never_decides() -> None:
    """Of many shops without an effect those that an ordinary test would fall for are said to show none."""
    fooled = 0
    for seed in range(60):
        found = said(outcomes(seed, 400))
        fooled += (found.comparisons[0].p_value or 1.0) < 0.05
        assert found.verdict.finding is Finding.NO_DIFFERENCE
    assert fooled >= 1


def test_little_data_is_said_to_be_little() -> None:
    assert said(outcomes(1, 100)).verdict.words == "not enough data"
    assert said(outcomes(1), START_US - 1).verdict.words == "not enough data"
    empty = results(experiment(), [], [], NOW_US)
    assert empty.verdict.finding is Finding.NOT_ENOUGH_DATA
    json.loads(empty.model_dump_json())


def test_lost_shoppers_of_one_arm_break_the_experiment() -> None:
    data = outcomes(1, 3_000, lift=0.6)
    lost = (data.arm[data.exposure_unit] == 1) & (data.exposure_unit % 6 == 0)
    found = said(
        replace(data, exposure_unit=data.exposure_unit[~lost], exposure_at_us=data.exposure_at_us[~lost])
    )
    assert found.sample_ratio.broken
    assert found.verdict.words == "sample ratio broken"
    assert not said(data).sample_ratio.broken


def test_shares_that_are_meant_to_differ_break_nothing() -> None:
    data = outcomes(1, 3_000)
    arms = (Arm(name="A", share=0.8), Arm(name="B", share=0.1))
    rng = np.random.default_rng(1)
    assert not said(
        replace(data, arm=(rng.random(3_000) < 1 / 9).astype(np.intp)), arms=arms
    ).sample_ratio.broken
    assert said(data, arms=arms).sample_ratio.broken


def dismissed(data: Attributed, more: float) -> Attributed:
    """One list in ten leads to a dismissal; in arm 1 more."""
    arm = data.arm[data.exposure_unit]
    hit = np.random.default_rng(0).random(len(arm)) < 0.1 * (1.0 + more * arm)
    return replace(
        data,
        action_unit=np.concatenate([data.action_unit, data.exposure_unit[hit]]),
        action_at_us=np.concatenate([data.action_at_us, data.exposure_at_us[hit]]),
        action_kind=np.concatenate([data.action_kind, np.full(hit.sum(), DISMISS, np.int8)]),
        revenue=np.concatenate([data.revenue, np.zeros(hit.sum())]),
    )


@pytest.mark.parametrize(("more", "state"), [(2.0, "breached"), (-0.5, "held"), (0.2, "unsure")])
def test_a_guardrail_stops_an_arm_that_is_better_otherwise(more: float, state: str) -> None:
    data = dismissed(outcomes(3, 3_000, lift=0.6), more)
    rails = (Guardrail(measure=Measure.DISMISSALS_PER_LIST, max_loss=0.2),)
    found = said(data, guardrails=rails)
    assert found.guardrails[0].state == state
    stopped = found.verdict.finding is Finding.GUARDRAIL
    assert stopped is (state == "breached")
    assert stopped or found.verdict.better == "B"


def test_fewer_clicks_breach_a_guardrail_on_clicks() -> None:
    rails = (Guardrail(measure=Measure.CLICK_THROUGH, max_loss=0.1),)
    found = said(outcomes(3, 3_000, lift=-0.6), guardrails=rails, primary=Measure.REVENUE_PER_USER)
    assert found.guardrails[0].state == "breached"


def test_several_arms_share_the_error_between_them() -> None:
    data = outcomes(1, 3_000, lift=0.6)
    third = np.random.default_rng(0).random(3_000) < 1 / 3
    arms = tuple(Arm(name=name, share=1 / 3) for name in "ABC")
    found = said(replace(data, arm=np.where(third, 2, data.arm)), arms=arms)
    assert found.confidence == 0.975
    assert [one.arm for one in found.comparisons] == ["B", "C"]
    assert found.verdict.better == "B"


def test_figures_are_the_same_from_exposures_and_events() -> None:
    """The long way round: rows as the service logs them."""
    data = outcomes(5, 400, lift=0.5)
    rows = lists_of(data)
    found = results(experiment(), rows[0], rows[1], NOW_US, prices={"i": 2.0})
    assert isinstance(found, ExperimentResults)
    arm = found.arms[1]
    ours = data.arm[data.exposure_unit] == 1
    assert arm.lists == int(ours.sum())
    assert arm.purchases == int((data.arm[data.action_unit[data.action_kind == 1]] == 1).sum())
    assert arm.revenue == 2.0 * arm.purchases
    assert found.model_validate_json(found.model_dump_json()) == found


def lists_of(data: Attributed) -> tuple[Sequence[Exposure], Sequence[Response]]:
    """A list for each exposure, and an event for each action on the shopper's newest list before it."""
    exposures = [
        Exposure(f"r{row}", data.units[unit], "colours", "AB"[data.arm[unit]], int(at_us), ("i",))
        for row, (unit, at_us) in enumerate(zip(data.exposure_unit, data.exposure_at_us, strict=True))
    ]
    events = []
    for row, (unit, at_us) in enumerate(zip(data.action_unit, data.action_at_us, strict=True)):
        own = np.flatnonzero((data.exposure_unit == unit) & (data.exposure_at_us <= at_us))
        kind = ("click", "purchase")[data.action_kind[row]]
        events.append(Response(f"e{row}", data.units[unit], "i", kind, None, f"r{own[-1]}", int(at_us)))
    return exposures, events


def test_a_covariate_from_before_narrows_the_interval() -> None:
    data = outcomes(1, 3_000)
    clicks = np.bincount(data.action_unit[data.action_kind == 0], minlength=3_000)
    before = {unit: float(count) for unit, count in zip(data.units, clicks, strict=True)}
    found = summarise(experiment(primary=Measure.PURCHASES_PER_USER), data, NOW_US, before)
    assert (found.comparisons[0].variance_explained or 0.0) > 0.2
    assert said(data).comparisons[0].variance_explained is None
