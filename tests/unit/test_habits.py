"""Buying again: known gaps are found, durables stay away, few buyers are drawn to their category."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.habits import CONSUMABLE, DAY_US, EARLY, Habits, buy_again

START = 1_700_000_000_000_000


def rhythm(
    item: str, days: float, shoppers: int = 40, times: int = 4, seed: int = 0
) -> list[tuple[str, str, int]]:
    """Purchases of one item about every `days`."""
    rng = np.random.default_rng(seed)
    rows = []
    for shopper in range(shoppers):
        at = float(START)
        for _ in range(times):
            rows.append((f"u{shopper}", item, int(at)))
            at += days * DAY_US * float(rng.lognormal(0.0, 0.2))
    return rows


PURCHASES = [*rhythm("coffee", 14), *rhythm("soap", 60, seed=1), *rhythm("sofa", 1, times=1)]
CATEGORIES = {"coffee": "Food", "soap": "Home", "sofa": "Furniture", "armchair": "Furniture"}


def test_the_usual_time_is_found_and_what_is_bought_once_does_not_come_back() -> None:
    habits = Habits.learn(PURCHASES, CATEGORIES)
    assert habits.items["coffee"].interval_days == pytest.approx(14, rel=0.15)
    assert habits.items["soap"].interval_days == pytest.approx(60, rel=0.25)
    assert habits.items["coffee"].comes_back > 0.7
    assert habits.items["sofa"].comes_back < CONSUMABLE * 2
    for days in (1, 30, 365, 3_650):
        for item in ("sofa", "armchair", "something else"):
            assert habits.due(item, "Furniture", START, START + days * DAY_US) == 0.0


def test_an_item_is_due_from_a_share_of_its_time_on() -> None:
    habits = Habits.learn(PURCHASES, CATEGORIES)
    usual = habits.items["coffee"].interval_days
    early = int(START + (EARLY - 0.05) * usual * DAY_US)
    later = int(START + usual * DAY_US)
    assert habits.due("coffee", "Food", START, early) == 0.0
    assert habits.due("coffee", "Food", START, later) == pytest.approx(1.0, rel=1e-6)
    assert habits.due("coffee", "Food", START, START - 10 * DAY_US) == 0.0


def test_one_impatient_shopper_makes_no_consumable() -> None:
    quick = [("u0", "lamp", START), ("u0", "lamp", START + 2 * DAY_US)]
    once = [(f"u{n}", "shelf", START) for n in range(200)]
    habits = Habits.learn([*quick, *once], {"lamp": "Furniture", "shelf": "Furniture"})
    assert habits.due("lamp", "Furniture", START, START + 2 * DAY_US) == 0.0
    twice_at_once = [("u1", "tea", START), ("u1", "tea", START + 60_000_000)]
    assert Habits.learn(twice_at_once, {}).items["tea"].interval_days == math.inf


def test_what_was_bought_most_comes_first_and_durables_not_at_all() -> None:
    habits = Habits.learn(PURCHASES, CATEGORIES)
    now = START + 60 * DAY_US
    bought = {"coffee": (START, 1.0), "soap": (START, 3.0), "sofa": (START, 9.0)}
    assert [item for item, _ in buy_again(bought, CATEGORIES, habits, now)] == ["soap", "coffee"]
    assert buy_again(bought, CATEGORIES, habits, START + 1_000) == []  # a moment ago
    assert buy_again({}, CATEGORIES, habits, now) == []
    assert Habits().of("anything").comes_back == 0.0


@given(st.integers(-(10**17), 10**17), st.integers(-(10**17), 10**17))
def test_whatever_clocks_say_the_answer_is_a_number(bought: int, now: int) -> None:
    ratio = Habits.learn(PURCHASES[:20], CATEGORIES).due("coffee", "Food", bought, now)
    assert math.isfinite(ratio)
    assert ratio >= 0.0
