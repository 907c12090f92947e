"""The compressed scan beside the exact one: recall, filters, exclusions, links, metrics."""

from __future__ import annotations

from functools import cache

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import Metric
from recsys.scan import Added, Allowed, CompressedScan, Rows, Vectors, filtered_codes, scan
from recsys.scan.calibration import Calibrated, calibrate
from tests.unit.scan.clustered import clustered

NUM_ROWS, DIM, K = 12_000, 32, 10
FLOOR = 0.995
NOBODY = np.empty(0, np.int64)


@cache
def made(metric: Metric) -> tuple[Rows, Calibrated]:
    """Rows of one metric and what calibrating them gave."""
    vectors = clustered(NUM_ROWS, DIM)
    # Lengths differ, so that cosine and inner product disagree.
    lengths = np.random.default_rng(1).uniform(0.5, 1.5, (NUM_ROWS, 1)).astype(np.float32)
    rows = Rows(Vectors(vectors * lengths), metric)
    return rows, calibrate(rows, FLOOR)


def queries(count: int, seed: int = 5) -> np.ndarray:
    """Directions that are near some rows."""
    rows = made(Metric.COSINE)[0].vectors[:]
    rng = np.random.default_rng(seed)
    return np.asarray(
        rows[rng.integers(0, NUM_ROWS, count)] + 0.1 * rng.normal(size=(count, DIM)), np.float32
    )


def compressed(metric: Metric) -> CompressedScan:
    """The scan that calibration chose."""
    found = made(metric)[1].scan
    assert found is not None
    return found


def recall(
    metric: Metric, allowed: Allowed, hidden: list[np.ndarray], added: list[Added] | None = None
) -> float:
    """Share of the exact scan's rows that the compressed one has, with all its scores and lengths checked."""
    rows, asked = made(metric)[0], queries(len(hidden))
    truth = scan(asked, K, rows, allowed, hidden, added)
    found = compressed(metric).search(asked, K, rows, allowed, hidden, added)
    hits, total = 0, 0
    for place, ((right, right_scores), (own, scores)) in enumerate(zip(truth, found, strict=True)):
        assert len(own) == len(right)
        assert allowed.mask[own].all()
        assert not np.isin(own, hidden[place]).any()
        assert (scores[:-1] >= scores[1:]).all()
        exact = rows.scores(asked[place : place + 1], np.sort(own))[0]
        extra = 0.0 if added is None else added[place].at(np.sort(own))
        np.testing.assert_allclose(np.sort(scores), np.sort(exact + extra), rtol=1e-5, atol=1e-6)
        hits, total = hits + len(np.intersect1d(right, own)), total + len(right)
        assert len(right_scores) == len(right)
    return hits / total


@pytest.mark.parametrize("metric", list(Metric))
def test_recall_holds_for_each_metric(metric: Metric) -> None:
    assert made(metric)[1].recall >= FLOOR
    assert recall(metric, Allowed(np.ones(NUM_ROWS, bool)), [NOBODY] * 100) >= 0.99


@pytest.mark.parametrize("share", [0.5, 0.1, 0.01, 0.001, 0.0001])
def test_no_filter_loses_results(share: float) -> None:
    mask = np.random.default_rng(2).random(NUM_ROWS) < share
    mask[7] = True
    assert recall(Metric.COSINE, Allowed(mask), [NOBODY] * 50) >= 0.99


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("num_linked", [0, 300])
def test_a_filter_that_is_asked_again_has_codes_of_its_own_and_finds_the_same(
    metric: Metric, num_linked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtered_codes, "MIN_ROWS", 300)
    monkeypatch.setattr(filtered_codes, "LEAST_TIMES", 1)
    rng = np.random.default_rng(4)
    mask = np.zeros(NUM_ROWS, bool)
    mask[rng.choice(NUM_ROWS, 1_200, replace=False)] = True
    allowed, hidden = Allowed(mask), [np.sort(rng.choice(NUM_ROWS, 40, replace=False))] * 20
    added = links(6, num_linked, 0.01, 0.5, 20) if num_linked else None
    assert recall(metric, allowed, hidden, added) == 1.0
    assert not compressed(metric).is_ready(allowed)
    assert recall(metric, allowed, hidden, added) >= 0.99
    assert compressed(metric).is_ready(allowed)
    assert allowed.codes is not None
    assert allowed.codes.codes.ntotal == 1_200


def test_codes_of_a_filter_answer_for_more_places_than_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtered_codes, "MIN_ROWS", 300)
    monkeypatch.setattr(filtered_codes, "LEAST_TIMES", 0)
    rows, allowed = made(Metric.COSINE)[0], Allowed(np.arange(NUM_ROWS) % 30 == 0)
    for _ in range(3):
        (found,) = compressed(Metric.COSINE).search(queries(1), NUM_ROWS, rows, allowed, [NOBODY])
        assert sorted(found[0].tolist()) == allowed.rows.tolist()


def test_a_filter_against_the_query_loses_nothing() -> None:
    rows, asked = made(Metric.INNER_PRODUCT)[0], queries(1)
    scores = rows.scores(asked, slice(0, NUM_ROWS))[0]
    # Only what the query likes least passes: nothing near the query can fill the list.
    allowed = Allowed(scores < np.quantile(scores, 0.3))
    (truth,) = scan(asked, K, rows, allowed, [NOBODY])
    (found,) = compressed(Metric.INNER_PRODUCT).search(asked, K, rows, allowed, [NOBODY])
    assert np.array_equal(truth[0], found[0])


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 1_000), num_hidden=st.integers(0, 3_000))
def test_hidden_rows_never_come_back(seed: int, num_hidden: int) -> None:
    rng = np.random.default_rng(seed)
    hidden = [np.sort(rng.choice(NUM_ROWS, num_hidden, replace=False)) for _ in range(5)]
    assert recall(Metric.COSINE, Allowed(rng.random(NUM_ROWS) < 0.8), hidden) >= 0.94


def links(seed: int, num_linked: int, low: float, high: float, count: int = 8) -> list[Added]:
    """What links add to some rows, for each query."""
    rng = np.random.default_rng(seed)
    return [
        Added(
            np.sort(rng.choice(NUM_ROWS, num_linked, replace=False)),
            rng.uniform(low, high, num_linked).astype(np.float32),
        )
        for _ in range(count)
    ]


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 1_000),
    num_linked=st.sampled_from([1, 50, 2_000, NUM_ROWS]),
    low=st.sampled_from([-2.0, -0.1, 0.0]),
    high=st.sampled_from([0.01, 0.3, 3.0]),
    metric=st.sampled_from(list(Metric)),
)
def test_what_links_lift_or_lower_is_found(
    seed: int, num_linked: int, low: float, high: float, metric: Metric
) -> None:
    added = links(seed, num_linked, low, high)
    mask = np.random.default_rng(seed).random(NUM_ROWS) < 0.9
    assert recall(metric, Allowed(mask), [NOBODY] * 8, added) >= 0.97


def test_a_query_of_links_alone_is_exact() -> None:
    rows = made(Metric.INNER_PRODUCT)[0]
    zero, added, allowed = (
        np.zeros((1, DIM), np.float32),
        links(3, 40, 0.1, 1.0, 1),
        Allowed(np.ones(NUM_ROWS, bool)),
    )
    (truth,) = scan(zero, 50, rows, allowed, [NOBODY], added)
    (found,) = compressed(Metric.INNER_PRODUCT).search(zero, 50, rows, allowed, [NOBODY], added)
    assert np.array_equal(truth[0], found[0])
    assert np.array_equal(truth[1], found[1])


def test_more_places_than_rows_give_every_row_once() -> None:
    rows, allowed = made(Metric.COSINE)[0], Allowed(np.arange(NUM_ROWS) % 3 == 0)
    (found,) = compressed(Metric.COSINE).search(queries(1), NUM_ROWS + 5, rows, allowed, [NOBODY])
    assert sorted(found[0].tolist()) == allowed.rows.tolist()


def test_rows_that_codes_cannot_tell_apart_are_not_compressed() -> None:
    # Sixteen centres a part go to the wide half; all of the narrow half gets one code.
    wide, narrow = np.random.default_rng(0).normal(size=(2, 3_000, 16))
    rows = np.concatenate([1000.0 * wide, 0.01 * narrow]).astype(np.float32)
    found = calibrate(Rows(Vectors(rows), Metric.EUCLIDEAN), 0.9)
    assert found.scan is None
    assert 0.0 < found.recall < 1.0


def test_too_few_rows_are_not_compressed() -> None:
    assert calibrate(Rows(Vectors(clustered(999, 8)), Metric.COSINE), 0.5).scan is None


def test_codes_are_a_fraction_of_the_vectors() -> None:
    codes = compressed(Metric.COSINE).codes
    assert isinstance(codes, faiss.IndexPQFastScan)
    assert codes.code_size * 8 <= DIM * 4
