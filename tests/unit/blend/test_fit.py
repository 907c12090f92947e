"""Fitting finds what a shop's events say, and never makes numbers that are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.blend.fit import fit_blend
from recsys.blend.fit_shop import Parent, fit_shop
from recsys.blend.histories import histories_of
from recsys.blend.settings import FittedBlend
from recsys.blend.whitening import Whitening
from recsys.config import FitConfig, ProfileConfig
from recsys.dataset import Dataset
from recsys.errors import InputError
from recsys.evaluation.evaluate import evaluate
from recsys.evaluation.html import to_page
from recsys.evaluation.markdown import to_markdown
from recsys.evaluation.result import EvaluationResult
from recsys.evaluation.splits import leave_one_out
from recsys.interaction_log import DAY_US, InteractionLog
from tests.unit.item_item.test_models import HISTORIES, log_of

CONFIG = FitConfig(split="leave-one-out", num_trials=10, num_neighbours=20)


def quiet(text: str) -> None:
    """Say nothing."""


def cyclic_shop(num_users: int = 120, num_items: int = 30, seed: int = 0) -> Dataset:
    """Everybody walks along a ring of items: the next item follows from the last, not from texts."""
    generator = np.random.default_rng(seed)
    starts = generator.integers(0, num_items, num_users)
    ring = generator.permutation(num_items)
    histories = [[int(ring[(start + step) % num_items]) for step in range(6)] for start in starts.tolist()]
    vectors = generator.standard_normal((num_items, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    texts = [f"word{item} thing" for item in range(num_items)]
    # Ids are ascending strings, so two digits each.
    log = InteractionLog.build(
        [f"i{item:02d}" for item in range(num_items)],
        [f"u{user:03d}" for user, own in enumerate(histories) for _ in own],
        [f"i{item:02d}" for own in histories for item in own],
        np.ones(6 * num_users, np.float32),
        np.array([place * DAY_US for own in histories for place in range(len(own))], np.int64),
    )
    return Dataset("ring", log, vectors, texts, ["a"] * num_items)


def test_a_shop_where_order_decides_is_learned() -> None:
    data = cyclic_shop()
    split = leave_one_out(data.log, 2)
    fitted = fit_blend(split, data, CONFIG, quiet)
    assert fitted.validation["discover ndcg@10"] > 0.9
    by_order = fitted.settings.order_share > 0.0 and fitted.discover.behaviour > 0.0
    assert by_order or fitted.discover.transition > 0.0


def test_a_version_says_how_many_users_stand_behind_its_pairs() -> None:
    data = cyclic_shop(40, 12)
    config = CONFIG.model_copy(update={"min_users": 3, "num_trials": 2})
    fitted = fit_shop(data, config, Parent(FittedBlend()), quiet)
    assert fitted.blend.settings.min_users == 3
    assert Parent(FittedBlend()).under(config).blend.settings.min_users == 3
    assert FittedBlend().settings.min_users == 1


def test_evaluation_compares_everything_and_is_deterministic() -> None:
    data = cyclic_shop()
    first, second = (evaluate(data, CONFIG, "a <b> command", "2026-01-01", quiet) for _ in range(2))
    table = first.tables[0]
    names = [method.name for method in table.methods]
    assert {"ours", "popular", "item-knn", "co-visitation", "ease", "als", "bm25", "plain text"} <= set(names)
    ours = next(method for method in table.methods if method.name == "ours")
    plain = next(method for method in table.methods if method.name == "plain text")
    assert ours.metrics["ndcg@10"] > 0.9 > plain.metrics["ndcg@10"]
    assert plain.difference is not None
    assert plain.difference.low > 0.0

    def figures(result: EvaluationResult) -> list[dict[str, float]]:
        return [method.metrics for table in result.tables for method in table.methods]

    for one, other in zip(figures(first), figures(second), strict=True):
        assert one == pytest.approx(other, nan_ok=True)
    assert EvaluationResult.model_validate_json(first.model_dump_json()) == first
    curve = ({"epoch": 0.0, "ndcg@10": 0.1, "auc": 0.6}, {"epoch": 1.0, "ndcg@10": 0.2, "auc": 0.7})
    trained = first.model_copy(update={"learning_curve": curve, "encoder_version": "e-1"})
    assert "training of the encoder" in to_page(trained)
    assert "training of the encoder" not in to_page(first)
    assert "encoder e-1" in to_markdown(trained)
    text, page = to_markdown(first), to_page(first)
    assert all(name in text and name in page for name in names)
    assert "<b>" not in page.replace("</b>", "")[:2000]
    assert 'src="http' not in page


@settings(deadline=None, max_examples=20)
@given(HISTORIES)
def test_any_small_shop_fits_or_says_why_and_is_never_nan(histories: list[list[int]]) -> None:
    log = log_of(histories)
    vectors = np.eye(8, dtype=np.float32)
    data = Dataset("any", log, vectors, ["x"] * 8, [None] * 8)
    config = FitConfig(num_trials=3, num_neighbours=5)
    if max(map(len, histories)) < 2:
        with pytest.raises(InputError, match="asked"):
            fit_shop(data, config, None, quiet)
        return
    fitted = fit_shop(data, config, None, quiet)
    assert all(np.isfinite(list(fitted.metrics.values())))
    assert all(np.isfinite(matrix.data).all() for matrix in fitted.links.signals.values())
    assert np.isfinite(fitted.whitening.matrix).all()
    assert fitted.blend.discover.text > 0.0  # items without events are found by text


@settings(deadline=None, max_examples=50)
@given(HISTORIES)
def test_histories_are_distinct_items_newest_first(histories: list[list[int]]) -> None:
    log = log_of(histories)
    found = histories_of(log, np.arange(log.num_users, dtype=np.int32))
    for user, own in enumerate(histories):
        part = slice(found.offsets[user], found.offsets[user + 1])
        expected = list(dict.fromkeys(reversed(own)))
        assert found.items[part].tolist() == expected
        assert found.steps[part].tolist() == list(range(len(expected)))
        frequency = [sum(item == other for other in own) for item in expected]
        slow = found.frequencies[part, -1]
        assert (slow <= np.array(frequency) + 1e-6).all()
    norms = np.asarray(found.matrix(0.7).multiply(found.matrix(0.7)).sum(1)).ravel()
    assert norms == pytest.approx(np.ones(len(histories)), abs=1e-5)


def test_with_a_half_life_what_is_acted_on_often_counts_more() -> None:
    log = log_of([[0, 1, 1, 1, 1, 2]])
    found = histories_of(log, np.array([0], np.int32))
    plain, often = (found.matrix(1.0, days).toarray()[0] for days in (None, 365.0))
    assert plain == pytest.approx(np.full(len(plain), 3**-0.5) * (plain > 0))
    assert often[1] / often[0] == pytest.approx(2.0, rel=0.01)  # four times as often, a few days apart
    assert np.linalg.norm(often) == pytest.approx(1.0)


def test_only_the_newest_events_of_a_user_count() -> None:
    log = log_of([[0, 1, 2, 3, 4]])
    found = histories_of(log, np.array([0], np.int32), ProfileConfig(max_events=2))
    assert found.items.tolist() == [4, 3]


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_whitened_vectors_have_no_common_direction(seed: int) -> None:
    generator = np.random.default_rng(seed)
    mixing = np.linalg.qr(generator.standard_normal((6, 6)))[0] * np.linspace(1.0, 4.0, 6)[:, None]
    vectors = (generator.standard_normal((400, 6)) @ mixing + 5.0).astype(np.float32)
    turned = Whitening.fit(vectors, "whitened").apply(vectors)
    assert np.linalg.norm(turned, axis=1) == pytest.approx(np.ones(400), abs=1e-5)
    assert abs(turned.mean(0)).max() < 0.1
    whitening, asked = Whitening.fit(vectors, "whitened"), vectors[:3] * 2.0
    untouched = (asked - whitening.mean) @ (vectors - whitening.mean).T
    lengths = np.linalg.norm((vectors - whitening.mean) @ whitening.matrix, axis=1)
    found = whitening.queries(asked) @ turned.T * lengths  # up to the length of the query itself
    assert found / np.abs(found).max(1, keepdims=True) == pytest.approx(
        untouched / np.abs(untouched).max(1, keepdims=True), abs=1e-3
    )
    variances = np.linalg.eigvalsh(np.cov(turned.T))
    assert variances[-1] / variances[0] < 5.0
    assert np.array_equal(Whitening.fit(vectors, "raw").apply(vectors), vectors)
