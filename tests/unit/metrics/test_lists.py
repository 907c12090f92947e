"""Measures of whole lists against brute force, and the bootstrap's laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.metrics import (
    catalogue_coverage,
    gini,
    intra_list_diversity,
    mean_interval,
    novelty,
    paired_difference,
)

LISTS = st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3, unique=True), min_size=1, max_size=20)


@settings(deadline=None, max_examples=60)
@given(LISTS)
def test_gini_is_the_mean_difference_of_exposures(rows: list[list[int]]) -> None:
    lists = np.array(rows, np.int32)
    shown = np.bincount(lists.ravel(), minlength=10)
    double_sum = sum(abs(a - b) for a in shown.tolist() for b in shown.tolist())
    assert gini(lists, 10) == pytest.approx(double_sum / (2 * 10 * shown.sum()), abs=1e-12)
    assert catalogue_coverage(lists, 10) == (shown > 0).mean()


@settings(deadline=None, max_examples=40)
@given(LISTS, st.integers(0, 10))
def test_diversity_is_the_mean_pairwise_distance(rows: list[list[int]], seed: int) -> None:
    vectors = np.random.default_rng(seed).standard_normal((10, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = [
        1.0 - float(vectors[row[a]].astype(np.float64) @ vectors[row[b]].astype(np.float64))
        for row in rows
        for a in range(3)
        for b in range(3)
        if a != b
    ]
    found = intra_list_diversity(np.array(rows, np.int32), vectors)
    assert found == pytest.approx(np.mean(pairs), abs=1e-6)


def test_empty_places_count_for_nothing() -> None:
    lists = np.array([[0, -1, -1], [1, 2, -1]], np.int32)
    assert catalogue_coverage(lists, 4) == 0.75
    assert intra_list_diversity(lists, np.eye(4, dtype=np.float32)) == 1.0


def test_rare_items_are_more_novel() -> None:
    counts = np.array([100, 1, 0])
    rare, common = np.array([[2]], np.int32), np.array([[0]], np.int32)
    assert novelty(rare, counts) > novelty(common, counts) > 0.0


def test_equal_methods_differ_by_exactly_nothing() -> None:
    values = np.random.default_rng(0).random(100)
    found = paired_difference(values, values.copy())
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)


def test_an_interval_is_the_same_for_a_seed_and_holds_its_mean() -> None:
    values = np.random.default_rng(1).random(500)
    first, second = mean_interval(values, 7), mean_interval(values, 7)
    assert first == second
    assert first.low < first.mean < first.high


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for trial in range(200):
        found = mean_interval(generator.normal(1.0, 1.0, 80), trial, 400)
        covered += found.low <= 1.0 <= found.high
    assert 0.89 <= covered / 200 <= 0.99
