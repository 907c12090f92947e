"""Item-item models against their definitions, worked out the slow way."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.interaction_log import DAY_US, InteractionLog
from recsys.item_item import (
    cooccurrence,
    cosine_neighbours,
    ease,
    lift_neighbours,
    prune,
    text_regularised_ease,
    transitions,
)
from recsys.item_item.ease import text_weights

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


def random_counts(seed: int, users: int = 60, items: int = 20) -> sp.csr_matrix:
    acted = (np.random.default_rng(seed).random((users, items)) < 0.2).astype(np.float32)
    return sp.csr_matrix(acted.T @ acted)


def test_ease_is_the_constrained_ridge_solution() -> None:
    counts, ridge = random_counts(0), 5.0
    weights = ease(counts, ridge).astype(np.float64)
    gram = counts.toarray().astype(np.float64)
    for item in range(20):  # each column is a ridge regression on all other items
        others = [other for other in range(20) if other != item]
        solved = np.linalg.solve(gram[np.ix_(others, others)] + ridge * np.eye(19), gram[others, item])
        assert weights[others, item] == pytest.approx(solved, abs=1e-5)
    assert not weights.diagonal().any()


def test_the_pull_minimises_what_it_says() -> None:
    counts = random_counts(1)
    vectors = np.random.default_rng(2).standard_normal((20, 6)).astype(np.float32)
    ridge, pull = 5.0, 3.0
    weights = text_regularised_ease(counts, vectors, ridge, pull).astype(np.float64)
    gram, target = counts.toarray().astype(np.float64), text_weights(vectors, 3.0).astype(np.float64)
    for item in range(20):
        others = [other for other in range(20) if other != item]
        left = gram[np.ix_(others, others)] + ridge * np.eye(19)
        solved = np.linalg.solve(left, gram[others, item] + pull * target[others, item])
        assert weights[others, item] == pytest.approx(solved, abs=1e-4)


def test_without_pull_texts_do_not_matter() -> None:
    counts = random_counts(3)
    vectors = np.random.default_rng(4).standard_normal((20, 6)).astype(np.float32)
    assert np.array_equal(text_regularised_ease(counts, vectors, 5.0, 0.0), ease(counts, 5.0))


def test_an_item_nobody_touched_gets_its_neighbours_from_texts() -> None:
    dense = random_counts(5).toarray()
    dense[7, :] = dense[:, 7] = 0.0
    vectors = np.random.default_rng(6).standard_normal((20, 6)).astype(np.float32)
    weights = text_regularised_ease(sp.csr_matrix(dense), vectors, 5.0, 3.0)
    assert np.abs(weights[:, 7]).max() > 0.0
    assert not ease(sp.csr_matrix(dense), 5.0)[:, 7].any()


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
