"""Smoothing of vectors over a graph: its laws, beside the dense solution."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.relations import ItemGraph, propagated

seeds, shares = st.integers(0, 10_000), st.floats(0.0, 0.9)


def made(seed: int, count: int = 12) -> tuple[np.ndarray, sp.csr_matrix]:
    """Unit vectors and a sparse symmetric graph; the last two rows have no neighbour."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    edges = np.triu(rng.random((count, count)) * (rng.random((count, count)) < 0.3), 1)
    edges[:, -2:] = 0.0
    return vectors.astype(np.float32), sp.csr_matrix(edges + edges.T)


def dense(vectors: np.ndarray, adjacency: sp.csr_matrix, share: np.ndarray) -> np.ndarray:
    """The fixed point by a linear solver."""
    weights = adjacency.toarray()
    sums = weights.sum(1, keepdims=True)
    walk = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    pull = np.where(sums > 0, share[:, None], 0.0)
    found = np.linalg.solve(np.eye(len(weights)) - pull * walk, (1.0 - pull) * vectors)
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


@settings(max_examples=40, deadline=None)
@given(seeds, shares)
def test_it_is_the_dense_solution_with_unit_rows(seed: int, share: float) -> None:
    vectors, adjacency = made(seed)
    own = np.random.default_rng(seed + 1).random(len(vectors)) * share
    for each in (np.full(len(vectors), share), own):
        found = propagated(vectors, adjacency, each)
        np.testing.assert_allclose(found, dense(vectors, adjacency, each), atol=2e-4)
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_a_share_of_nothing_changes_no_bit(seed: int) -> None:
    vectors, adjacency = made(seed)
    assert np.array_equal(propagated(vectors, adjacency, 0.0), vectors)


@settings(max_examples=40, deadline=None)
@given(seeds, shares)
def test_rows_without_a_neighbour_stay_to_the_bit(seed: int, share: float) -> None:
    vectors, adjacency = made(seed)
    assert np.array_equal(propagated(vectors, adjacency, share)[-2:], vectors[-2:])


@settings(max_examples=40, deadline=None)
@given(seeds, shares)
def test_another_order_of_the_items_is_the_same_in_that_order(seed: int, share: float) -> None:
    vectors, adjacency = made(seed)
    order = np.random.default_rng(seed).permutation(len(vectors))
    found = propagated(vectors[order], adjacency[order][:, order], share)
    np.testing.assert_allclose(found, propagated(vectors, adjacency, share)[order], atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(seeds)
def test_more_steps_change_nothing_once_it_has_converged(seed: int) -> None:
    vectors, adjacency = made(seed)
    rough, fine = (propagated(vectors, adjacency, 0.5, tolerance) for tolerance in (1e-4, 1e-9))
    np.testing.assert_allclose(rough, fine, atol=5e-4)


def test_an_item_without_a_text_gets_the_direction_of_its_relatives() -> None:
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], np.float32)
    graph = ItemGraph.of([(0, 2, 1.0), (1, 2, 1.0)], [None] * 3, {})
    found = graph.smoothed(vectors, 0.3)
    assert found[2] == pytest.approx([0.5**0.5, 0.5**0.5], abs=1e-5)


def test_items_of_one_category_come_nearer_to_each_other_and_categories_to_their_parents() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(6, 8))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    paths = ["Tea/Green", "Tea/Green", "Tea/Black", "Cups", "Cups", None]
    apart = ItemGraph.of([], paths, {}).smoothed(vectors, 0.4)
    joined = ItemGraph.of([], paths, {"Cups": "Tea"}).smoothed(vectors, 0.4)
    assert apart[0] @ apart[1] > vectors[0] @ vectors[1]
    assert apart[0] @ apart[2] > vectors[0] @ vectors[2]  # by the path alone
    assert joined[0] @ joined[3] > apart[0] @ apart[3]
    assert np.array_equal(apart[5], vectors[5])
