"""The place of chance: priors from the shop's items, chances that are what is drawn from."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import betabinom, chisquare

from recsys.rerank import ExploreSettings, ItemStatistics, explore
from recsys.rerank.exploration import DEFAULT_PRIOR, Prior, fit_prior, win_probabilities


def test_what_is_logged_is_what_is_drawn_from() -> None:
    rng, counts = np.random.default_rng(5), Counter[str]()
    beliefs = [Prior(5, 95), Prior(8, 92), Prior(1, 9), Prior(1, 40)]
    chances = win_probabilities(beliefs, 0.2, rng)
    assert chances.sum() == pytest.approx(1.0)
    assert chances.min() >= 0.2 / 4
    drawn = rng.choice(4, size=20_000, p=chances)
    assert chisquare(np.bincount(drawn, minlength=4), chances * 20_000).pvalue > 1e-3
    statistics = ItemStatistics({"b": 100.0}, {"b": 50.0})
    for _ in range(3_000):
        one = explore([("a", ""), ("b", ""), ("c", "")], statistics, ExploreSettings(share=1.0), 3, rng)
        assert one is not None
        assert one.propensity == one.probabilities[one.candidates.index(one.chosen)]
        counts[one.chosen] += 1
    assert counts["b"] > 2_000
    assert min(counts["a"], counts["c"]) > 50
    assert explore([("a", "")], statistics, ExploreSettings(share=1.0), 1, rng) is None


@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 38.0), (5.0, 20.0), (20.0, 180.0)])
def test_the_prior_is_near_the_one_that_items_came_from(alpha: float, beta: float) -> None:
    rng = np.random.default_rng(1)
    shown = rng.integers(50, 400, 2_000)
    clicked = betabinom.rvs(shown, alpha, beta, random_state=rng)
    found = fit_prior(zip(shown.tolist(), clicked.tolist(), strict=True))
    assert found is not None
    assert found.rate == pytest.approx(alpha / (alpha + beta), rel=0.05)
    assert found.alpha + found.beta == pytest.approx(alpha + beta, rel=0.3)


def test_items_that_do_not_differ_give_a_heavy_prior_and_nothing_gives_none() -> None:
    rng = np.random.default_rng(2)
    shown = np.full(500, 200)
    found = fit_prior(zip(shown.tolist(), rng.binomial(200, 0.1, 500).tolist(), strict=True))
    assert found is not None
    assert found.alpha + found.beta > 200.0
    assert fit_prior([]) is None
    assert fit_prior([(0.0, 0.0)]) is None
    assert ItemStatistics().posterior("new", "any") == DEFAULT_PRIOR


def test_a_category_with_enough_items_has_a_prior_of_its_own() -> None:
    shown = {f"a{n}": 100.0 for n in range(20)} | {f"b{n}": 100.0 for n in range(20)} | {"c": 100.0}
    clicked = {name: 20.0 if name[0] == "a" else 2.0 for name in shown}
    categories = {name: name[0] for name in shown}
    found = ItemStatistics.learn(shown, clicked, categories)
    assert set(found.priors) == {"a", "b"}
    assert found.posterior("new", "a").rate > 0.15 > 0.05 > found.posterior("new", "b").rate
    assert found.posterior("new", "c").rate == pytest.approx(found.overall.rate)
    assert found.posterior("a1", "a").alpha > found.priors["a"].alpha
