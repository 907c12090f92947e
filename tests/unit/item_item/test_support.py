"""No pair of items counts that fewer users stand behind than asked, by slow counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.blend.making import make_signals
from recsys.blend.settings import SignalSettings
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.item_item import Evidence, Regression, transitions
from tests.unit.item_item.test_models import HISTORIES, log_of

Pairs = Callable[[list[int]], set[tuple[int, int]]]
LEAST = st.integers(1, 4)
MODELS = st.sampled_from(["regression", "cosine"])


def both(own: list[int]) -> set[tuple[int, int]]:
    return {(a, b) for a in own for b in own}


def before(own: list[int]) -> set[tuple[int, int]]:
    """Items that were known together at a moment after which something came."""
    return both(own[:-1])


def followed(own: list[int]) -> set[tuple[int, int]]:
    """An item, and one of the three next that was new then."""
    return {
        (known, later)
        for place in range(1, len(own))
        for known in own[:place]
        for later in own[place : place + 3]
        if later not in own[:place]
    }


def steps(own: list[int]) -> set[tuple[int, int]]:
    return {(own[a], own[b]) for a in range(len(own)) for b in range(a + 1, min(a + 3, len(own)))}


def few(histories: list[list[int]], pairs: Pairs, least: int) -> np.ndarray:
    """`[8, 8] bool`: different items that fewer than `least` users paired."""
    counts = np.zeros((8, 8), int)
    for own in histories:
        for a, b in pairs(own):
            counts[a, b] += 1
    np.fill_diagonal(counts, least)
    return counts < least


@settings(deadline=None, max_examples=60)
@given(HISTORIES, LEAST, st.sampled_from([0.0, 1.0]), st.sampled_from([None, 2.0]))
def test_evidence_lacks_exactly_the_pairs_of_few(
    histories: list[list[int]], least: int, order_share: float, half_life_days: float | None
) -> None:
    log = log_of(histories)
    every = Evidence.of(log, np.arange(8), order_share, half_life_days)
    found = Evidence.of(log, np.arange(8), order_share, half_life_days, least)
    rules = (both, both) if order_share == 0.0 else (before, followed)
    for rule, whole, kept in zip(
        rules, (every.gram, every.targets), (found.gram, found.targets), strict=True
    ):
        expected = np.where(few(histories, rule, least), 0.0, whole.toarray())
        assert kept.toarray() == pytest.approx(expected, rel=1e-5, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(HISTORIES, LEAST)
def test_transitions_lack_exactly_the_pairs_of_few(histories: list[list[int]], least: int) -> None:
    every, kept = (transitions(log_of(histories), 2, 0.5, 0.0, num).toarray() for num in (1, least))
    assert kept == pytest.approx(np.where(few(histories, steps, least), 0.0, every))


@settings(deadline=None, max_examples=60)
@given(HISTORIES, st.integers(2, 4), st.sampled_from([0.0, 0.5, 1.0]))
def test_what_is_solved_is_positive_and_finite(
    histories: list[list[int]], least: int, order_share: float
) -> None:
    evidence = Evidence.of(log_of(histories), np.arange(8), order_share, None, least)
    assert np.linalg.eigvalsh(evidence.positive().gram.toarray())[0] > -1e-4
    solved = Regression.solve(evidence, 0.01)
    assert np.isfinite(solved.inverse).all()
    gram = evidence.positive().gram.toarray().astype(np.float64)
    expected = np.linalg.inv(gram + 0.01 * np.eye(8)) @ (
        gram if evidence.targets is evidence.gram else evidence.targets.toarray()
    )
    assert np.abs(solved.solution.T - expected).max() < 2e-2 * (1.0 + np.abs(expected).max())


@settings(deadline=None, max_examples=60)
@given(HISTORIES, st.integers(2, 4), MODELS)
def test_a_link_needs_a_chain_of_pairs_with_enough_users(
    histories: list[list[int]], least: int, model: str
) -> None:
    """Without texts: a regression may join `a` and `c` over `b`, and each step has its users."""
    log = log_of(histories)
    data = Dataset("few", log, np.eye(8, dtype=np.float32), ["x"] * 8, [None] * 8)
    made = SignalSettings.model_validate(
        {"min_users": least, "model": model, "pull": 0.0, "transition_window": 2}
    )
    signals = make_signals(data, made, FitConfig(num_neighbours=8))
    joined = ~few(histories, both, least)
    for _ in range(3):
        joined = joined @ joined
    assert not np.abs(signals.behaviour.toarray())[~joined].any()
    assert not signals.transition.toarray()[few(histories, steps, least)].any()


def test_what_one_user_alone_joined_joins_nobody() -> None:
    crowd = [[0, 1, 2]] * 5 + [[3, 4, 5]] * 5
    data = Dataset("one", log_of([*crowd, [2, 3, 6]]), np.eye(8, dtype=np.float32), ["x"] * 8, [None] * 8)
    links = {}
    for least in (1, 2):
        made = SignalSettings(min_users=least, pull=0.0, transition_window=2)
        signals = make_signals(data, made, FitConfig(num_neighbours=8))
        links[least] = signals.behaviour.toarray(), signals.transition.toarray()
    for one, two in zip(links[1], links[2], strict=True):
        assert one[2, 3]
        assert not two[:3, 3:].any()
        assert not two[6].any()
        assert two[0, 1]
