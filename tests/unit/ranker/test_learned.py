"""The learned order finds what a weighted sum cannot say, and is kept for that only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.blend.blended import Blended
from recsys.blend.histories import histories_of
from recsys.blend.making import make_signals
from recsys.blend.pool import EVERY, pool_of
from recsys.blend.settings import Blend, SignalSettings
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split, leave_one_out
from recsys.interaction_log import DAY_US, InteractionLog
from recsys.metrics import Interval
from recsys.ranker.features import FEATURES, ItemFacts, features
from recsys.ranker.learned import LearnedRanker, RankerFit, fit_ranker
from tests.unit.blend.test_fit import cyclic_shop

CONFIG = FitConfig(num_neighbours=30)
SUM = Blend(text=1.0, behaviour=1.0, transition=1.0, popularity=1.0)
NUM_ITEMS = 60


def shop_of_one_category(num_users: int = 400) -> Dataset:
    """Everybody stays in one of six categories and draws from it at random: only the category tells."""
    generator = np.random.default_rng(0)
    own = generator.integers(0, 6, num_users)
    histories = [(category * 10 + generator.permutation(10)[:5]).tolist() for category in own.tolist()]
    vectors = generator.standard_normal((NUM_ITEMS, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    log = InteractionLog.build(
        [f"i{item:02d}" for item in range(NUM_ITEMS)],
        [f"u{user:03d}" for user, items in enumerate(histories) for _ in items],
        [f"i{item:02d}" for items in histories for item in items],
        np.ones(5 * num_users, np.float32),
        np.array([place * DAY_US for items in histories for place in range(5)], np.int64),
    )
    categories = [f"c{item // 10}" for item in range(NUM_ITEMS)]
    return Dataset("one category", log, vectors, ["x"] * NUM_ITEMS, categories)


def fitted(blend: Blend, data: Dataset) -> tuple[RankerFit, LearnedRanker, Split]:
    split = leave_one_out(data.log)
    signals = make_signals(replace(data, log=split.train), SignalSettings(), CONFIG)
    counts = np.bincount(split.train.items, minlength=data.log.num_items)
    facts = ItemFacts.of(counts, data.categories)
    fit = fit_ranker(signals, blend, facts, split, True, 0)
    return fit, LearnedRanker(signals, blend, facts, fit.booster, True), split


def test_a_poor_sum_is_beaten_on_users_it_was_not_fitted_on_and_the_order_is_served() -> None:
    poor = Blend(text=1.0)  # random vectors say nothing here
    fit, ranker, split = fitted(poor, shop_of_one_category())
    assert fit.earns_its_place(0.05)
    learned = rank_split(ranker, split, True, with_auc=False).metrics["ndcg@10"].mean()
    before = rank_split(Blended(ranker.signals, poor), split, True, with_auc=False).metrics["ndcg@10"].mean()
    assert learned > 2 * before


def test_what_is_ranked_is_what_was_judged() -> None:
    fit, ranker, split = fitted(SUM, shop_of_one_category())
    pool = pool_of(ranker.signals, split, True)
    histories = histories_of(split.train, split.users)
    rows = features(ranker.signals, SUM, ranker.facts, histories, pool.places, pool.parts)
    predicted = fit.booster.predict(rows.reshape(-1, rows.shape[2])).reshape(pool.places.shape)
    judged = pool.with_parts(predicted[None].astype(np.float32)).ndcg((1.0,))
    ranked = rank_split(ranker, split, True, with_auc=False).metrics["ndcg@10"].mean()
    assert ranked == pytest.approx(judged, abs=1e-3)  # ties may fall differently


def test_a_good_sum_is_not_replaced() -> None:
    fit, _, _ = fitted(Blend(text=0.0, transition=1.0), cyclic_shop())  # the next item is certain
    assert not fit.earns_its_place(0.05)


def test_only_a_sure_and_large_gain_counts() -> None:
    assert RankerFit(None, 0.11, Interval(0.01, 0.001, 0.02)).earns_its_place(0.05)
    assert not RankerFit(None, 0.11, Interval(0.01, -0.001, 0.02)).earns_its_place(0.05)
    assert not RankerFit(None, 0.11, Interval(0.004, 0.001, 0.02)).earns_its_place(0.05)


def test_features_are_what_their_names_say() -> None:
    data = shop_of_one_category(30)
    split = leave_one_out(data.log)
    signals = make_signals(replace(data, log=split.train), SignalSettings(), CONFIG)
    counts = np.bincount(split.train.items, minlength=NUM_ITEMS)
    pool = pool_of(signals, split, True)
    histories = histories_of(split.train, split.users)
    facts = ItemFacts.of(counts, data.categories)
    rows = features(signals, SUM, facts, histories, pool.places, pool.parts)
    assert rows.shape == (*pool.places.shape, len(FEATURES))
    assert np.isfinite(rows).all()
    named = {name: rows[..., column] for column, name in enumerate(FEATURES)}
    user, candidate = 3, 17
    item = pool.places[user, candidate]
    own = split.train.items[split.train.rows_of(user)]
    cosines = signals.vectors[own] @ signals.vectors[item]
    assert np.isclose(named["nearest_item"][user, candidate], cosines.max(), atol=1e-5)
    assert np.isclose(named["newest_item"][user, candidate], cosines[-1], atol=1e-5)
    assert named["same_category"][user, candidate] == (own // 10 == item // 10).mean()
    assert named["history_items"][user, candidate] == len(set(own.tolist()))
    assert np.isclose(named["events"][user, candidate], np.log1p(counts[item]), atol=1e-5)
    total = Blended(signals, SUM).scores(histories)[user, pool.places[user]]
    assert np.allclose(named["blend"][user], total, atol=1e-4)
    best = named["blend_rank"][user] == 1.0
    assert best.sum() == 1
    assert np.isclose(named["blend"][user][best][0], total.max(), atol=1e-4)
    assert named["behind_best"].max() == 0.0
    assert EVERY.factors() == (1.0,) * 6
