"""Choosing items: greedy by the definition, nothing known is chosen again, and what is wanted comes first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.labelling import choose_busiest, choose_items, expected_traffic, knowledge, likeness


def unit(seed: int, num: int, dim: int = 4) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((num, dim)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 14), st.integers(1, 6))
def test_each_choice_adds_most_of_all_that_are_left(seed: int, num: int, wanted: int) -> None:
    generator = np.random.default_rng(seed)
    alike = likeness(unit(seed, num))
    dense = alike.toarray().astype(np.float64)
    known = knowledge(generator.integers(0, 4, num) * (generator.random(num) < 0.4))
    traffic = generator.random(num)
    chosen = choose_items(alike, known, traffic, wanted)
    covered = (dense * known[None, :]).max(1)
    had: list[int] = []
    for choice in chosen:
        gains = np.maximum(dense - covered[:, None], 0.0).T @ traffic
        gains[had] = -1.0
        assert choice.gain == pytest.approx(gains.max(), abs=1e-6)
        assert choice.place not in had
        before = covered
        covered = np.maximum(covered, dense[:, choice.place])
        assert set(choice.stands_for) == set(np.flatnonzero(covered > before).tolist()) - {choice.place}
        had.append(choice.place)
    gains = [choice.gain for choice in chosen]
    assert all(one >= after - 1e-6 for one, after in itertools.pairwise(gains))


def test_what_is_known_well_is_not_asked_for_and_what_is_not_allowed_is_never_chosen() -> None:
    vectors = np.eye(4, dtype=np.float32)
    known = np.array([1.0, 0.0, 0.0, 0.0])
    allowed = np.array([True, True, False, True])
    chosen = choose_items(likeness(vectors), known, np.array([9.0, 1.0, 5.0, 2.0]), 4, allowed)
    assert [choice.place for choice in chosen] == [3, 1]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 14), st.integers(1, 20))
def test_the_busiest_are_those_of_most_unknown_traffic(seed: int, num: int, wanted: int) -> None:
    generator = np.random.default_rng(seed)
    alike = likeness(unit(seed, num))
    known = generator.choice([0.0, 0.3, 0.5, 0.9], num)
    traffic = generator.random(num) + 0.1
    chosen = choose_busiest(alike, known, traffic, wanted)
    unknown = {place: (1.0 - known[place]) * traffic[place] for place in range(num) if known[place] < 0.5}
    assert [choice.place for choice in chosen] == sorted(unknown, key=lambda p: -unknown[p])[:wanted]
    for choice in chosen:
        assert choice.gain == pytest.approx(unknown[choice.place])
        told = alike.toarray()[:, choice.place] > known
        assert set(choice.stands_for) == set(np.flatnonzero(told).tolist()) - {choice.place}


def test_alike_items_are_both_busiest_and_one_of_them_stands_for_the_range() -> None:
    vectors = np.repeat(np.eye(2, dtype=np.float32), 2, axis=0)
    alike, nothing, traffic = likeness(vectors), np.zeros(4), np.array([0.4, 0.3, 0.2, 0.1])
    assert [choice.place for choice in choose_busiest(alike, nothing, traffic, 2)] == [0, 1]
    assert [choice.place for choice in choose_items(alike, nothing, traffic, 2)] == [0, 2]


def test_one_of_a_cluster_stands_for_the_cluster() -> None:
    vectors = np.repeat(np.eye(3, dtype=np.float32), (5, 3, 1), axis=0)
    chosen = choose_items(likeness(vectors), np.zeros(9), np.full(9, 1 / 9), 9)
    assert [len(choice.stands_for) for choice in chosen] == [4, 2, 0]
    assert sum(choice.gain for choice in chosen) == pytest.approx(1.0)


def test_traffic_is_shared_and_a_new_item_has_that_of_its_like() -> None:
    vectors = np.repeat(np.eye(2, dtype=np.float32), 3, axis=0)
    events = np.array([100.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    traffic = expected_traffic(likeness(vectors), events)
    assert traffic.sum() == pytest.approx(1.0)
    assert (traffic > 0.0).all()
    assert traffic[1] > traffic[4]
    assert expected_traffic(likeness(vectors), np.zeros(6)) == pytest.approx(np.full(6, 1 / 6))
