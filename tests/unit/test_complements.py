"""What goes with what: a planted pair is found, beside a slow count, and few shoppers tell nothing."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from recsys.complements import KEPT, LEAST_SHOPPERS, POPULARITY_POWER, SHRINKAGE, VISIT_US, Complements

START = 1_700_000_000_000_000


def visits(seed: int, shoppers: int = 60, times: int = 6) -> list[tuple[str, str, int]]:
    """Baskets of chance, with milk in most of them; whoever buys a lamp mostly buys its bulb."""
    rng = np.random.default_rng(seed)
    rows = []
    for shopper in range(shoppers):
        for visit in range(times):
            at = START + visit * 10 * VISIT_US
            basket = {f"i{n}" for n in rng.choice(30, 3, replace=False)}
            basket |= {"milk"} if rng.random() < 0.8 else set()
            if rng.random() < 0.2:
                basket |= {"lamp"} | ({"bulb"} if rng.random() < 0.8 else set())
            rows += [(f"u{shopper}", item, at + n) for n, item in enumerate(sorted(basket))]
    return rows


def test_a_planted_pair_comes_first_though_milk_is_everywhere() -> None:
    found = Complements.learn(visits(1))
    assert found.of["lamp"][0][0] == "bulb"
    assert found.beside(["lamp"])[0][0] == "bulb"
    assert found.beside(["lamp", "bulb"])[0][0] not in ("lamp", "bulb")
    assert found.beside(["nothing"]) == []
    plain = Complements.learn(visits(1), power=0.0)
    assert {plain.of["lamp"][0][0], plain.of["lamp"][1][0]} == {"bulb", "milk"}


def test_scores_are_those_of_a_slow_count() -> None:
    rows = visits(2, shoppers=25)
    baskets: dict[tuple[str, int], set[str]] = {}
    for user, item, at in rows:
        baskets.setdefault((user, (at - START) // VISIT_US), set()).add(item)
    alone = Counter(item for basket in baskets.values() for item in basket)
    together = Counter(pair for basket in baskets.values() for pair in combinations(sorted(basket), 2))
    people: dict[tuple[str, str], set[str]] = {}
    for (user, _), basket in baskets.items():
        for pair in combinations(sorted(basket), 2):
            people.setdefault(pair, set()).add(user)
    wanted: dict[str, dict[str, float]] = {}
    for (a, b), count in together.items():
        if len(people[a, b]) < LEAST_SHOPPERS:
            continue
        for one, other in ((a, b), (b, a)):
            share = alone[other] / len(baskets)
            wanted.setdefault(one, {})[other] = count / (alone[one] + SHRINKAGE) / share**POPULARITY_POWER
    found = Complements.learn(rows)
    assert set(found.of) == set(wanted)
    for item, own in found.of.items():
        best = sorted(wanted[item].items(), key=lambda pair: (-pair[1], pair[0]))[:KEPT]
        assert [other for other, _ in own] == [other for other, _ in best]
        assert [score for _, score in own] == pytest.approx([score for _, score in best])


def test_what_few_shoppers_bought_together_is_nobody_elses_business() -> None:
    rows = [(f"u{n % 4}", item, START + n * 10 * VISIT_US) for n in range(40) for item in ("a", "b")]
    assert Complements.learn(rows).of == {}
    assert set(Complements.learn(rows, least_shoppers=4).of) == {"a", "b"}


def test_times_far_apart_are_two_baskets_and_nothing_is_no_error() -> None:
    apart = [(f"u{n}", item, START + gap) for n in range(9) for item, gap in (("a", 0), ("b", VISIT_US))]
    assert Complements.learn(apart).of == {}
    near = [(f"u{n}", item, START + gap) for n in range(9) for item, gap in (("a", 0), ("b", VISIT_US - 1))]
    assert set(Complements.learn(near).of) == {"a", "b"}
    assert Complements.learn([]).of == {}
