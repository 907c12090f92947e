"""Item-item models against their definitions, worked out the slow way."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.interaction_log import DAY_US, InteractionLog
from recsys.item_item import (
    Evidence,
    Regression,
    TextRegression,
    cooccurrence,
    cosine_neighbours,
    lift_neighbours,
    prune,
    transitions,
)
from recsys.item_item.cooccurrence import user_items
from recsys.item_item.prefixes import prefixes

HISTORIES = st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=6), min_size=1, max_size=12)


def log_of(histories: list[list[int]], num_items: int = 8) -> InteractionLog:
    rows = [
        (f"u{user:03d}", f"i{item}", place)
        for user, own in enumerate(histories)
        for place, item in enumerate(own)
    ]
    return InteractionLog.build(
        [f"i{item}" for item in range(num_items)],
        [user for user, _, _ in rows],
        [item for _, item, _ in rows],
        np.ones(len(rows), np.float32),
        np.array([place * DAY_US for _, _, place in rows], np.int64),
    )


@settings(deadline=None, max_examples=50)
@given(HISTORIES)
def test_cooccurrence_counts_users_of_both(histories: list[list[int]]) -> None:
    counts = cooccurrence(log_of(histories)).toarray()
    for a in range(8):
        for b in range(8):
            assert counts[a, b] == sum(a in own and b in own for own in histories)


@settings(deadline=None, max_examples=50)
@given(HISTORIES, st.floats(0, 1))
def test_transitions_follow_each_user_in_order(histories: list[list[int]], power: float) -> None:
    expected = np.zeros((8, 8))
    for own in histories:
        for place, item in enumerate(own):
            for back in (1, 2):
                if place >= back and own[place - back] != item:
                    expected[own[place - back], item] += 0.5 ** (back - 1)
    damped = expected / (expected.sum(1)[:, None] * expected.sum(0)[None, :] + 1.0) ** power
    assert transitions(log_of(histories), 2, 0.5, power).toarray() == pytest.approx(damped, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(HISTORIES)
def test_neighbours_have_no_diagonal_and_divide_as_they_say(histories: list[list[int]]) -> None:
    counts = cooccurrence(log_of(histories))
    dense, own = counts.toarray(), counts.diagonal()
    cosine, lift = cosine_neighbours(counts, 2.0).toarray(), lift_neighbours(counts, 1.0).toarray()
    assert not cosine.diagonal().any()
    assert not lift.diagonal().any()
    for a in range(8):
        for b in range(8):
            if a != b and dense[a, b]:
                assert cosine[a, b] == pytest.approx(dense[a, b] / (np.sqrt(own[a] * own[b]) + 2.0), rel=1e-5)
                assert lift[a, b] == pytest.approx(dense[a, b] / own[b], rel=1e-5)


@settings(deadline=None, max_examples=30)
@given(HISTORIES, st.sampled_from([0.5, 3.0]))
def test_old_events_say_less_and_no_item_counts_more_than_once(
    histories: list[list[int]], half_life_days: float
) -> None:
    newest = max(map(len, histories)) - 1
    expected = np.zeros((len(histories), 8))
    for user, own in enumerate(histories):
        for place, item in enumerate(own):
            expected[user, item] += 0.5 ** ((newest - place) / half_life_days)
    found = user_items(log_of(histories), half_life_days).toarray()
    assert found == pytest.approx(np.minimum(expected, 1.0), abs=1e-5)


def random_counts(seed: int, users: int = 60, items: int = 20) -> sp.csr_matrix:
    acted = (np.random.default_rng(seed).random((users, items)) < 0.2).astype(np.float32)
    return sp.csr_matrix(acted.T @ acted)


def regressed(
    evidence: Evidence, ridge: float, vectors: np.ndarray | None = None, pull: float = 0.0
) -> np.ndarray:
    texts = TextRegression.solve(vectors) if vectors is not None else None
    found = Regression.solve(evidence, ridge).neighbours(10**6, texts, pull)
    return np.asarray(found.toarray(), np.float64)


def by_columns(gram: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    """Each column as a ridge regression on all other items."""
    size = len(gram)
    solved = np.zeros((size, size))
    for item in range(size):
        others = [other for other in range(size) if other != item]
        left = gram[np.ix_(others, others)] + ridge * np.eye(size - 1)
        solved[others, item] = np.linalg.solve(left, targets[others, item])
    return solved


def test_ease_is_the_constrained_ridge_solution() -> None:
    counts = random_counts(0)
    gram = counts.toarray().astype(np.float64)
    assert regressed(Evidence(counts, counts), 5.0) == pytest.approx(by_columns(gram, gram, 5.0), abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(HISTORIES, st.sampled_from([0.3, 0.5, 1.0]))
def test_the_regression_on_order_is_the_constrained_ridge_solution(
    histories: list[list[int]], share: float
) -> None:
    log = log_of(histories)
    evidence = Evidence.of(log, np.arange(8), share)
    gram, targets = (part.toarray().astype(np.float64) for part in (evidence.gram, evidence.targets))
    expected = by_columns(gram, targets, 2.0)
    assert regressed(evidence, 2.0) == pytest.approx(expected, abs=1e-4)


def text_model(vectors: np.ndarray, ridge: float) -> np.ndarray:
    gram = (vectors @ vectors.T).astype(np.float64)
    return by_columns(gram, gram, ridge)


def test_the_pull_minimises_what_it_says() -> None:
    counts = random_counts(1)
    vectors = unit_rows(2)
    ridge, pull = 5.0, 0.6
    gram = counts.toarray().astype(np.float64)
    expected = by_columns(gram, gram + pull * ridge * text_model(vectors, 3.0), ridge)
    found = regressed(Evidence(counts, counts), ridge, vectors, pull)
    assert found == pytest.approx(expected, abs=1e-4)


def unit_rows(seed: int, size: int = 20) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((size, 6)).astype(np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def test_without_pull_texts_do_not_matter() -> None:
    counts = random_counts(3)
    evidence = Evidence(counts, counts)
    assert np.array_equal(regressed(evidence, 5.0, unit_rows(4), 0.0), regressed(evidence, 5.0))


def test_an_item_nobody_touched_gets_its_neighbours_from_texts() -> None:
    dense = random_counts(5).toarray()
    dense[7, :] = dense[:, 7] = 0.0
    evidence = Evidence(*[sp.csr_matrix(dense)] * 2)
    assert np.abs(regressed(evidence, 5.0, unit_rows(6), 0.6)[:, 7]).max() > 0.0
    assert not regressed(evidence, 5.0)[:, 7].any()


@settings(deadline=None, max_examples=50)
@given(HISTORIES)
def test_prefixes_are_unit_histories_beside_new_items_that_followed(histories: list[list[int]]) -> None:
    known, after = (part.toarray() for part in prefixes(log_of(histories)))
    row = 0
    for own in histories:
        for place in range(1, len(own)):
            weights = np.zeros(8)
            for back in range(1, place + 1):
                weights[own[place - back]] += 0.7 ** (back - 1)
            wanted = np.zeros(8)
            for ahead, item in enumerate(own[place : place + 3]):
                wanted[item] += 0.5**ahead * (weights[item] == 0.0)
            assert known[row] == pytest.approx(weights / np.linalg.norm(weights), abs=1e-5)
            assert after[row] == pytest.approx(wanted, abs=1e-6)
            row += 1
    assert len(known) == row


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 25), st.booleans())
def test_pruning_keeps_the_largest_of_each_column(seed: int, kept: int, sparse: bool) -> None:
    dense = np.random.default_rng(seed).standard_normal((20, 20)).astype(np.float32)
    found = prune(sp.csr_matrix(dense) if sparse else dense, kept).toarray()
    for column in range(20):
        order = np.argsort(-np.abs(dense[:, column]))[:kept]
        expected = np.zeros(20, np.float32)
        expected[order] = dense[order, column]
        assert np.array_equal(found[:, column], expected)
