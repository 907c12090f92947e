"""Shops whose events say little: a fit that degrades and says so, or a message; never a NaN."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.blend.fit_shop import fit_shop
from recsys.blend.fitted import Fitted
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.errors import InputError
from recsys.evaluation.evaluate import evaluate
from recsys.interaction_log import InteractionLog

CONFIG = FitConfig(num_trials=6, num_neighbours=20)
BY_ORDER = CONFIG.model_copy(update={"split": "leave-one-out"})
NUM_ITEMS = 20


def shop(log: InteractionLog) -> Dataset:
    vectors = np.random.default_rng(0).standard_normal((log.num_items, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Dataset(
        "odd", log, vectors, [f"thing {item}" for item in range(log.num_items)], ["a"] * log.num_items
    )


def log_of(num_users: int, weight: float = 1.0, spacing_us: int = 10**12, unknown: int = 0) -> InteractionLog:
    generator = np.random.default_rng(1)
    users = [f"u{user:02d}" for user in range(num_users) for _ in range(6)]
    items = [f"i{item:02d}" for _ in range(num_users) for item in generator.permutation(NUM_ITEMS)[:6]]
    items[:unknown] = ["gone"] * unknown
    return InteractionLog.build(
        [f"i{item:02d}" for item in range(NUM_ITEMS)],
        users,
        items,
        np.full(len(users), weight, np.float32),
        np.tile(np.arange(6, dtype=np.int64) * spacing_us, num_users),
    )


def assert_sane(fitted: Fitted) -> None:
    assert {"again ndcg@10", "parent again ndcg@10"} <= fitted.metrics.keys()
    assert all(np.isfinite(list(fitted.metrics.values())))
    assert all(np.isfinite(matrix.data).all() for matrix in fitted.links.signals.values())
    assert np.isfinite(fitted.whitening.matrix).all()
    assert fitted.blend.discover.text > 0.0


@pytest.mark.parametrize(
    "log",
    [log_of(1), log_of(30), log_of(30, unknown=60), log_of(200, spacing_us=1)],
    ids=["one user", "one type", "unknown items", "close times"],
)
def test_little_is_enough_to_fit(log: InteractionLog) -> None:
    assert_sane(fit_shop(shop(log), CONFIG, None, lambda text: None))


def test_equal_times_fall_back_to_the_last_event_and_say_so() -> None:
    said: list[str] = []
    assert_sane(fit_shop(shop(log_of(30, spacing_us=0)), CONFIG, None, said.append))
    assert any("last event is held out instead" in text for text in said)
    with pytest.raises(InputError, match="no user can be asked about"):
        evaluate(shop(log_of(30, spacing_us=0)), CONFIG, "", "", lambda text: None)


def test_nothing_but_dislikes_is_refused_with_a_message() -> None:
    with pytest.raises(InputError, match="no user can be asked about"):
        fit_shop(shop(log_of(30, weight=-1.0)), BY_ORDER, None, lambda text: None)


def test_a_catalog_of_one_item_and_one_trial_fit() -> None:
    log = replace(log_of(30), item_ids=("i00",))
    log = replace(log.select(log.items == 0), weights=np.ones(int((log.items == 0).sum()), np.float32))
    twice = replace(
        log,
        users=np.repeat(log.users, 2),
        items=np.repeat(log.items, 2),
        weights=np.repeat(log.weights, 2),
        occurred_at_us=np.repeat(log.occurred_at_us, 2),
    )
    one_trial = BY_ORDER.model_copy(update={"num_trials": 1})
    assert_sane(fit_shop(shop(twice), one_trial, None, lambda text: None))


def test_unknown_items_are_counted_and_the_rest_is_learned_from() -> None:
    log = log_of(30, unknown=60)
    assert log.unknown_items == 60
    assert len(log) == 120


def test_a_catalog_that_grew_since_the_events_gives_its_new_items_no_neighbours_but_a_text() -> None:
    log = log_of(40)
    grown = replace(log, item_ids=(*log.item_ids, "j00", "j01"))
    fitted = fit_shop(shop(grown), CONFIG, None, lambda text: None)
    assert_sane(fitted)
    assert fitted.links.item_ids[-2:] == ("j00", "j01")
