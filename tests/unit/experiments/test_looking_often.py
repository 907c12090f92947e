"""Tests that bear being looked at every day."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from recsys.experiments import always_valid, planned_looks
from recsys.experiments.comparing import Seen, contrasts
from recsys.experiments.estimate import Contrast
from recsys.experiments.experiment import MAX_LOOKS
from recsys.experiments.looks import look_times, sequential
from recsys.experiments.measure import Measure
from tests.unit.experiments.made import DAY_US, START_US, experiment, outcomes

PLANNED = experiment(stopping="planned", window_hours=1.0)


def walk(looks: int) -> list[Contrast]:
    """Looks at growing shares of the same 100 shoppers: increments are independent."""
    rows = np.eye(100)
    return [
        Contrast(0.0, rows[: 100 * (look + 1) // looks].sum(0) / (look + 1) / 100) for look in range(looks)
    ]


def test_one_planned_look_is_the_ordinary_test() -> None:
    paths = planned_looks.drawn_paths(walk(1))
    assert planned_looks.boundaries(paths, [1.0], 0.05)[0] == pytest.approx(norm.isf(0.025), rel=0.01)
    p = planned_looks.p_value(paths, [1.0], np.array([2.2]))
    assert p == pytest.approx(2.0 * norm.sf(2.2), rel=0.05)
    assert planned_looks.p_value(paths, [1.0], np.array([0.1])) == 1.0


def test_boundaries_are_those_of_the_textbook() -> None:
    """Five equally spaced looks, O'Brien-Fleming-like spending (Jennison, Turnbull 2000; ldbounds)."""
    paths = planned_looks.drawn_paths(walk(5), num_paths=400_000)
    found = planned_looks.boundaries(paths, [0.2, 0.4, 0.6, 0.8, 1.0], 0.05)
    assert found[1:] == pytest.approx([3.357, 2.680, 2.290, 2.031], rel=0.02)


def test_a_smaller_p_value_is_a_crossing_at_a_smaller_alpha() -> None:
    paths, fractions, z = planned_looks.drawn_paths(walk(4)), [0.25, 0.5, 0.75, 1.0], np.array([1, 2.9, 1, 1])
    p = planned_looks.p_value(paths, fractions, z)
    assert planned_looks.crossed(paths, fractions, z, p * 1.03)
    assert not planned_looks.crossed(paths, fractions, z, p / 1.03)


def test_paths_hang_together_as_the_shoppers_do() -> None:
    paths = planned_looks.drawn_paths(walk(2), num_paths=200_000)
    both = np.mean((paths[:, 0] > 1.96) & (paths[:, 1] > 1.96))
    again = np.random.default_rng(1).standard_normal((200_000, 2))
    second = (again[:, 0] + again[:, 1]) / math.sqrt(2.0)
    assert both == pytest.approx(np.mean((np.abs(again[:, 0]) > 1.96) & (np.abs(second) > 1.96)), abs=0.002)


def test_evidence_has_a_mean_of_one_without_an_effect_and_the_interval_is_its_inverse() -> None:
    rng = np.random.default_rng(2)
    drawn = np.array([always_valid.evidence(z * 0.1, 0.1, 0.1) for z in rng.standard_normal(100_000)])
    assert drawn.mean() == pytest.approx(1.0, abs=0.03)
    for error, alpha in ((0.1, 0.05), (0.02, 0.01), (0.5, 0.05)):
        edge = always_valid.reach(error, 0.1, alpha)
        assert always_valid.p_value(edge, error, 0.1) == pytest.approx(alpha)
    assert always_valid.p_value(0.3, 0.0, 0.1) == 1.0
    assert always_valid.reach(0.0, 0.1, 0.05) == math.inf
    assert always_valid.p_value(1e6, 1e-3, 0.1) < 1e-100


def test_planned_looks_end_when_the_last_window_has_passed() -> None:
    looks = look_times(PLANNED, START_US, START_US + 30 * DAY_US)
    assert len(looks) == 8
    assert looks[-1].fraction == 1.0
    assert looks[-1].at_us == START_US + 7 * DAY_US + PLANNED.window_us
    assert look_times(PLANNED, START_US, START_US + 2 * DAY_US + 5) == looks[:2]


def test_other_looks_start_with_the_first_list_and_end_now() -> None:
    one, now_us = experiment(), START_US + 500 * DAY_US
    looks = look_times(one, START_US, now_us)
    assert len(looks) <= MAX_LOOKS
    assert looks[-1].at_us == now_us
    assert [look.at_us for look in look_times(one, START_US, START_US)] == [START_US]


def test_before_the_first_look_nothing_is_said() -> None:
    assert sequential(PLANNED, [], 0.05) is None


def test_daily_looks_at_shops_without_an_effect_find_one_at_most_as_often_as_said() -> None:
    """300 shops, 8 looks; bounds are three standard errors wide."""
    looks = look_times(PLANNED, START_US, START_US + 30 * DAY_US)
    found = {"ordinary": 0, "any_time": 0, "planned": 0}
    for seed in range(300):
        data = outcomes(seed, 1_200)
        seen = [(look, data.until(look.at_us)) for look in looks]
        pairs = contrasts(Seen(PLANNED, seen[-1][1], seen, len(data.units)), 1, Measure.CLICK_THROUGH)
        z = np.array([one.z for _, one in pairs])
        paths = planned_looks.drawn_paths([one for _, one in pairs], num_paths=10_000)
        chances = [always_valid.p_value(one.estimate, one.error, 0.1) for _, one in pairs]
        found["ordinary"] += bool(np.any(np.abs(z) > norm.isf(0.025)))
        found["any_time"] += min(chances) <= 0.05
        found["planned"] += planned_looks.crossed(paths, [look.fraction for look, _ in pairs], z, 0.05)
    assert found["ordinary"] > 0.09 * 300
    assert found["any_time"] <= 0.05 * 300
    assert 0.013 * 300 < found["planned"] < 0.088 * 300
