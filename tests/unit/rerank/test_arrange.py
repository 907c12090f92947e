"""From candidates to a list: diversity beside a slow reference, calibration, variants, freshness."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.rerank import ListSettings, Pool, arrange, category_mix
from recsys.rerank.pool import DAY_US, variant_key

NOW_US = 1_700_000_000_000_000


def pool(seed: int, count: int, dim: int = 8, categories: int = 3) -> Pool:
    """Random candidates, best first."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    fields = [
        {
            "title": f"thing {n}",
            "category": f"c{rng.integers(categories)}/deep",
            "created_at": NOW_US - int(rng.integers(100)) * DAY_US,
        }
        for n in range(count)
    ]
    scores = np.sort(rng.normal(size=count))[::-1]
    return Pool(tuple(f"i{n}" for n in range(count)), scores, vectors.astype(np.float32), fields)


@given(st.integers(0, 50), st.integers(0, 40), st.integers(0, 30))
def test_with_everything_off_the_order_is_the_scores_own(seed: int, count: int, n: int) -> None:
    found = arrange(pool(seed, count), ListSettings(), n)
    assert found.order == tuple(range(min(n, count)))
    assert found.notes == {}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 1_000),
    st.integers(1, 40),
    st.integers(1, 20),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_list_has_no_item_twice_and_is_as_long_as_it_can_be(
    seed: int, count: int, n: int, diversity: float, calibration: float, freshness: float
) -> None:
    given_ = pool(seed, count)
    wanted = ListSettings(
        diversity=diversity,
        calibration=calibration,
        freshness=freshness,
        near_duplicate=0.5,
        collapse_variants=True,
    )
    found = arrange(given_, wanted, n, mix={"c0": 0.7, "c1": 0.3}, now_us=NOW_US)
    assert len(set(found.order)) == len(found.order) == min(n, count)
    assert found == arrange(given_, wanted, n, mix={"c0": 0.7, "c1": 0.3}, now_us=NOW_US)
    if freshness == 0.0:
        assert found.order[0] == 0


@pytest.mark.parametrize("diversity", [0.2, 0.5, 0.9])
def test_diversity_is_maximal_marginal_relevance(diversity: float) -> None:
    given_ = pool(4, 30)
    relevance = given_.relevance()
    chosen = [0]
    while len(chosen) < 10:
        values = {
            place: (1 - diversity) * relevance[place]
            - diversity
            * max(0.0, *(float(given_.vectors[place] @ given_.vectors[other]) for other in chosen))
            for place in range(30)
            if place not in chosen
        }
        chosen.append(max(values, key=lambda place: (values[place], -place)))
    assert list(arrange(given_, ListSettings(diversity=diversity), 10).order) == chosen


def test_more_diversity_makes_a_list_less_alike() -> None:
    def alike(order: tuple[int, ...], vectors: np.ndarray) -> float:
        own = vectors[list(order)]
        return float((own @ own.T)[np.triu_indices(len(own), 1)].mean())

    found = []
    for diversity in (0.0, 0.3, 0.8):
        alikes = [
            alike(
                arrange(pool(seed, 50), ListSettings(diversity=diversity), 10).order, pool(seed, 50).vectors
            )
            for seed in range(20)
        ]
        found.append(np.mean(alikes))
    assert found[0] > found[1] > found[2]


def test_calibration_brings_a_list_nearer_to_the_shoppers_mix() -> None:
    mix = {"c0": 0.5, "c1": 0.5}

    def distance(calibration: float) -> float:
        given_ = pool(9, 60)
        order = arrange(given_, ListSettings(calibration=calibration), 10, mix=mix).order
        shares = [sum(given_.categories()[p] == name for p in order) / 10 for name in ("c0", "c1", "c2")]
        return sum(
            abs(share - mix.get(name, 0.0)) for share, name in zip(shares, ("c0", "c1", "c2"), strict=True)
        )

    assert distance(0.8) < distance(0.0)
    assert distance(0.8) <= 0.2


def test_other_colours_and_copies_are_left_out_and_come_back_when_nothing_else_is_left() -> None:
    titles = ["Oak chair black", "Oak chair, white", "Desk lamp", "Oak chair navy", "Desk lamp XL"]
    fields = [{"title": title, "brand": "b", "category": "Home"} for title in titles]
    vectors = np.eye(5, dtype=np.float32)
    given_ = Pool(tuple("abcde"), np.arange(5.0, 0.0, -1.0), vectors, fields)
    found = arrange(given_, ListSettings(collapse_variants=True), 2)
    assert found.order == (0, 2)
    assert found.collapsed == {1: 0, 3: 0, 4: 2}
    assert arrange(given_, ListSettings(collapse_variants=True), 4).order == (0, 2, 1, 3)
    vectors[4] = vectors[0]
    copies = Pool(tuple("abcde"), np.arange(5.0, 0.0, -1.0), vectors, [{}] * 5)
    assert arrange(copies, ListSettings(near_duplicate=0.99), 4).order == (0, 1, 2, 3)
    assert arrange(copies, ListSettings(near_duplicate=0.99), 5).order == (0, 1, 2, 3, 4)
    assert variant_key({"title": "Red", "brand": "b"}) is None
    assert variant_key({"title": "x", "attributes": [("variant_of", "p")]}) == "=p"


def test_freshness_lifts_the_newer_of_one_category_only() -> None:
    ages = [400, 1, 400, 400]
    fields = [
        {"title": f"t{n}", "category": "a" if n < 2 else "b", "created_at": NOW_US - age * DAY_US}
        for n, age in enumerate(ages)
    ]
    given_ = Pool(tuple("wxyz"), np.array([1.0, 0.9, 0.8, 0.7]), np.zeros((4, 2), np.float32), fields)
    found = arrange(given_, ListSettings(freshness=0.5), 4, now_us=NOW_US)
    assert found.order == (1, 0, 2, 3)
    assert found.notes == {1: ("freshness",)}


def test_a_mix_is_of_what_a_shopper_likes_by_top_category() -> None:
    weights = {"a": 3.0, "b": 1.0, "c": -5.0, "d": 2.0}
    assert category_mix(weights, {"a": "X/y", "b": "Z", "c": "Z"}) == {"X": 0.75, "Z": 0.25}
    assert category_mix({}, {}) == {}
