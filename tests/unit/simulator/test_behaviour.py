"""Simulated shoppers: position, order of steps, closed form, the same visit for the same seed."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from recsys.simulator import BehaviourConfig, Population, act, make_population
from recsys.simulator.behaviour import expected

CONFIG = BehaviourConfig(organic_share=0.0)


@pytest.fixture(scope="module")
def population() -> Population:
    return make_population(3, 200, 40, datetime(2026, 3, 1, tzinfo=UTC))


def test_a_shop_of_a_seed_is_the_same_and_likings_are_likings(population: Population) -> None:
    again = make_population(3, 200, 40, datetime(2026, 3, 1, tzinfo=UTC))
    np.testing.assert_array_equal(population.liking, again.liking)
    assert population.liking.shape == (40, 200)
    assert 0.0 <= population.liking.min() <= population.liking.max() <= 1.0
    assert population.popularity.sum() == pytest.approx(1.0)
    assert population.likings(0, ["nothing"]).tolist() == [0.0]


def test_the_closed_form_is_the_mean_of_many_visits(population: Population) -> None:
    best = np.argsort(-population.liking[1])[:10]
    ids = [population.item_ids[column] for column in best]
    visits = [
        act(population, 1, ids, frozenset(), CONFIG, np.random.default_rng(seed)) for seed in range(6_000)
    ]
    clicks, purchases = expected(population.likings(1, ids), CONFIG)
    assert np.mean([one.count("click") for one in visits]) == pytest.approx(clicks, rel=0.05)
    assert np.mean([one.count("purchase") for one in visits]) == pytest.approx(purchases, rel=0.1)


def test_steps_follow_each_other_and_nothing_is_bought_twice(population: Population) -> None:
    ids = [population.item_ids[column] for column in np.argsort(-population.liking[2])[:10]]
    for seed in range(200):
        done = act(population, 2, ids, {ids[0]}, CONFIG, np.random.default_rng(seed))
        for position, item_id in enumerate(ids, 1):
            names = [one.event_type for one in done.acts if one.position == position]
            assert names == ["impression", "click", "add_to_cart", "purchase"][: len(names)]
            assert all(one.item_id == item_id for one in done.acts if one.position == position)
        assert not any(one.event_type == "purchase" and one.item_id == ids[0] for one in done.acts)


def test_what_stands_lower_is_looked_at_less(population: Population) -> None:
    favourite = population.item_ids[int(np.argmax(population.liking[3]))]
    others = [name for name in population.item_ids if name != favourite][:9]

    def clicks(place: int) -> int:
        ids = [*others[: place - 1], favourite, *others[place - 1 :]]
        seeds = range(800)
        visits = [act(population, 3, ids, set(), CONFIG, np.random.default_rng(seed)) for seed in seeds]
        return sum(one.event_type == "click" and one.item_id == favourite for v in visits for one in v.acts)

    assert clicks(1) > clicks(4) > clicks(10)


def test_the_same_seed_and_list_give_the_same_visit(population: Population) -> None:
    ids, config = population.item_ids[:10], BehaviourConfig()
    first, second = (act(population, 4, ids, set(), config, np.random.default_rng(9)) for _ in range(2))
    assert first == second
    assert act(population, 4, [], set(), CONFIG, np.random.default_rng(9)).acts == ()
