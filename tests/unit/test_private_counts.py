"""Private counts: their sensitivity, their noise, their threshold, and the ledger that pays for them."""

from __future__ import annotations

import json
import math
from collections import Counter
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from recsys.errors import BudgetSpentError, StoreError
from recsys.privacy.counts import Cells, capped_counts, discrete_laplace, least_told, noisy_counts
from recsys.privacy.ledger import LEDGER, BudgetLedger, Spending

ROWS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 5), st.integers(0, 3)), max_size=60)


def cells(rows: list[tuple[str, int, int]]) -> Cells:
    items, days = (np.array([row[place] for row in rows], np.int64) for place in (1, 2))
    return Cells([row[0] for row in rows], items, days)


@settings(max_examples=80, deadline=None)
@given(ROWS, st.integers(1, 6))
def test_one_user_changes_the_counts_by_no_more_than_the_cap(
    rows: list[tuple[str, int, int]], cap: int
) -> None:
    every = capped_counts(cells(rows), 6, cap)
    for user in "abcd":
        without = capped_counts(cells([row for row in rows if row[0] != user]), 6, cap)
        own = len({row for row in rows if row[0] == user})
        assert np.abs(every - without).sum() == min(own, cap)
        assert (every >= without).all()


@settings(max_examples=100, deadline=None)
@given(ROWS, st.randoms())
def test_counts_are_those_of_a_slow_count_whatever_the_order(
    rows: list[tuple[str, int, int]], order: object
) -> None:
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    slow = Counter(item for _, item, _ in set(rows))
    assert capped_counts(cells(rows), 6, 1_000).tolist() == [slow[item] for item in range(6)]
    assert np.array_equal(capped_counts(cells(rows), 6, 2), capped_counts(cells(shuffled), 6, 2))


def test_of_a_user_with_more_the_newest_days_count() -> None:
    rows = [("a", item, day) for day in range(4) for item in range(2)]
    kept = capped_counts(cells([(user, item + 2 * day, day) for user, item, day in rows]), 8, 4)
    assert kept.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]


def test_noise_is_discrete_laplace() -> None:
    """Drawn from the system's randomness, which has no seed: a sound sampler fails once in 10^9 runs."""
    scale, size = 2.5, 20_000
    alpha, edge = math.exp(-1.0 / scale), 12
    drawn = np.clip(discrete_laplace(size, scale), -edge, edge)
    weights = (1.0 - alpha) / (1.0 + alpha) * alpha ** np.abs(np.arange(-edge, edge + 1))
    weights[[0, -1]] = alpha**edge / (1.0 + alpha)
    assert weights.sum() == pytest.approx(1.0)
    observed = np.bincount(drawn + edge, minlength=2 * edge + 1)
    assert chisquare(observed, weights * size).pvalue > 1e-9
    # The test tells it from its neighbours.
    assert (
        chisquare(
            np.bincount(np.clip(discrete_laplace(size, 3.0), -edge, edge) + edge, minlength=25),
            weights * size,
        ).pvalue
        < 1e-9
    )


def test_the_scale_is_the_cap_over_epsilon_on_every_item_also_untouched_ones() -> None:
    asked: list[tuple[int, float]] = []

    def noise(size: int, scale: float) -> np.ndarray:
        asked.append((size, scale))
        return np.arange(size)

    assert noisy_counts(np.array([5, 0, 0]), 0.5, 20, noise).tolist() == [5, 1, 2]
    assert asked == [(3, 40.0)]


@pytest.mark.parametrize(("epsilon", "cap", "share"), [(0.5, 20, 0.001), (3.0, 1, 0.01), (50.0, 1, 0.1)])
def test_the_threshold_is_the_least_that_keeps_noise_below(epsilon: float, cap: int, share: float) -> None:
    alpha = math.exp(-epsilon / cap)
    threshold = least_told(epsilon, cap, share)
    assert alpha**threshold / (1 + alpha) <= share * (1 + 1e-9)
    assert threshold == 1 or alpha ** (threshold - 1) / (1 + alpha) > share


def spending(epsilon: float) -> Spending:
    return Spending("2026-01-01T00:00:00+00:00", "popularity", epsilon, parameters={"days": 30})


def test_the_ledger_adds_up_and_refuses_what_is_too_much(tmp_path: Path) -> None:
    ledger = BudgetLedger(tmp_path / "privacy")
    assert ledger.spent() == (0.0, 0.0)
    left = [ledger.spend(spending(0.1), 1.0) for _ in range(10)]
    assert left[0] == pytest.approx(0.9)
    assert left[-1] == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(BudgetSpentError, match="does not reach"):
        ledger.spend(spending(0.1), 1.0)
    assert len(BudgetLedger(ledger.folder).read()) == 10
    assert ledger.spend(spending(0.5), 2.0) == pytest.approx(0.5)


def test_a_cut_line_was_not_released_and_a_spoilt_one_stops_everything(tmp_path: Path) -> None:
    ledger = BudgetLedger(tmp_path)
    for _ in range(2):
        ledger.spend(spending(0.25), 1.0)
    whole = (tmp_path / LEDGER).read_bytes()
    for length in range(len(whole) // 2 + 1, len(whole)):
        (tmp_path / LEDGER).write_bytes(whole[:length])
        assert len(ledger.read()) == 1
    assert ledger.spend(spending(0.25), 1.0) == pytest.approx(0.5)
    assert (tmp_path / LEDGER).read_bytes() == whole
    for line in (
        b"{}\n",
        b"nothing\n",
        json.dumps({**vars(spending(1.0)), "epsilon": -1.0}).encode() + b"\n",
    ):
        (tmp_path / LEDGER).write_bytes(line + whole)
        with pytest.raises(StoreError, match="cannot be read"):
            ledger.spend(spending(0.1), 9.0)


def test_two_at_once_do_not_both_find_room(tmp_path: Path) -> None:
    def attempt(_: int) -> bool:
        try:
            BudgetLedger(tmp_path).spend(spending(0.2), 1.0)
        except BudgetSpentError:
            return False
        return True

    with ThreadPool(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 5
