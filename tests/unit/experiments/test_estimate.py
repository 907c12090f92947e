"""Values, intervals, and the covariate from before."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from recsys.experiments.estimate import MIN_UNITS, Contrast, difference, estimate, log_lift
from recsys.experiments.measure import Measure
from recsys.experiments.outcomes import Outcomes
from tests.unit.experiments.made import outcomes


def resampled(now: Outcomes, arm: int, numerator: str, per_list: bool, seed: int) -> np.ndarray:
    """Values of one arm in 4,000 draws of its shoppers."""
    rng = np.random.default_rng(seed)
    own = now.arm == arm
    top = getattr(now, numerator)[own]
    base = now.exposures[own] if per_list else np.ones(len(top))
    drawn = rng.multinomial(len(top), np.full(len(top), 1.0 / len(top)), 4_000)
    return np.asarray((drawn @ top) / (drawn @ base))


@pytest.mark.parametrize(
    ("measure", "numerator", "per_list"),
    [
        (Measure.CLICK_THROUGH, "clicks", True),
        (Measure.CONVERSION, "bought", False),
        (Measure.REVENUE_PER_USER, "revenue", False),
        (Measure.REVENUE_PER_LIST, "revenue", True),
    ],
)
def test_errors_are_those_of_a_bootstrap_over_shoppers(
    measure: Measure, numerator: str, per_list: bool
) -> None:
    data = outcomes(1, 2_000, lift=0.2)
    now = data.until()
    drawn = [resampled(now, arm, numerator, per_list, arm) for arm in (0, 1)]
    control, ours = estimate(now, 0, measure), estimate(now, 1, measure)
    assert control.value == pytest.approx(drawn[0].mean(), rel=0.01)
    gap, lift = difference(ours, control, len(data.units)), log_lift(ours, control, len(data.units))
    assert gap.estimate == ours.value - control.value
    assert gap.error == pytest.approx((drawn[1] - drawn[0]).std(), rel=0.06)
    assert lift.error == pytest.approx(np.log(drawn[1] / drawn[0]).std(), rel=0.06)


def test_many_lists_of_one_shopper_are_no_more_than_one_shopper() -> None:
    data = outcomes(2)
    now = data.until()
    control = estimate(now, 0, Measure.CLICK_THROUGH)
    lists = float(now.exposures[now.arm == 0].sum())
    as_if_independent = np.sqrt((1.0 - control.value) / (control.value * lists))
    assert np.sqrt(np.sum(control.influence**2)) > 1.1 * as_if_independent


def test_a_covariate_takes_its_share_of_the_noise_away_and_nothing_else() -> None:
    rng = np.random.default_rng(3)
    plain, adjusted = [], []
    for seed in range(60):
        data = outcomes(seed, 600)
        now = data.until()
        spent = np.zeros(len(data.units))
        spent[now.places] = now.clicks
        covariate = spent + rng.normal(0.0, 0.5, len(spent))
        control, ours = (estimate(now, arm, Measure.PURCHASES_PER_USER) for arm in (0, 1))
        plain.append(log_lift(ours, control, len(spent)))
        adjusted.append(log_lift(ours, control, len(spent), covariate - spent.mean()))
    before, after = ([one.error for one in found] for found in (plain, adjusted))
    assert np.mean(after) < 0.9 * np.mean(before)
    assert abs(np.mean([one.estimate for one in adjusted])) < 3.0 * np.mean(after) / np.sqrt(60)
    spread = np.std([one.estimate for one in adjusted])
    assert spread == pytest.approx(np.mean(after), rel=0.35)
    assert spread < np.std([one.estimate for one in plain])


def test_a_covariate_that_says_nothing_changes_nothing() -> None:
    data = outcomes(4)
    now = data.until()
    control, ours = (estimate(now, arm, Measure.CLICK_THROUGH) for arm in (0, 1))
    same = difference(ours, control, len(data.units), np.full(len(data.units), 7.0))
    assert same.estimate == difference(ours, control, len(data.units)).estimate


def test_without_shoppers_or_actions_there_is_no_interval() -> None:
    nobody = estimate(outcomes(5).until(0), 0, Measure.CLICK_THROUGH)
    assert (nobody.value, nobody.enough) == (0.0, False)
    assert not estimate(outcomes(5, MIN_UNITS).until(), 0, Measure.CLICK_THROUGH).enough
    silent = estimate(outcomes(5).until(), 0, Measure.RETURNS_PER_USER)
    assert (silent.value, silent.enough) == (0.0, False)


def test_few_who_spend_most_make_no_finds() -> None:
    """60 buyers in each arm with heavy-tailed baskets: one in a thousand stays about one in a thousand."""
    rng = np.random.default_rng(6)
    beyond = {"ratio": 0, "z": 0}
    for _ in range(6_000):
        spent = np.exp(rng.normal(0.0, 1.0, (2, 60)))
        own = (spent / spent.sum(1, keepdims=True) - 1.0 / 60) * [[1.0], [-1.0]]
        found = Contrast(float(np.diff(np.log(spent.sum(1)))[0]), own.ravel())
        beyond["ratio"] += abs(found.estimate / found.error) > norm.isf(0.0005)
        beyond["z"] += abs(found.z) > norm.isf(0.0005)
    assert beyond["ratio"] > 2 * 6
    assert beyond["z"] <= 2 * 6


def test_the_degrees_of_freedom_of_even_noise_are_its_size_and_intervals_agree_with_z() -> None:
    drawn = Contrast(0.5, np.random.default_rng(7).standard_normal(20_000) / 1_000)
    assert drawn.degrees == pytest.approx(20_000, rel=0.1)
    few = Contrast(0.5, np.array([0.1, -0.2, 0.1, 0.3, -0.3]))
    assert few.z < few.estimate / few.error
    assert few.reach(few.z) == pytest.approx(0.5)
    assert Contrast(1.0, np.zeros(3)).z == 0.0
    assert Contrast(-1.0, np.array([1e-9, -1e-9])).z < -5.0
