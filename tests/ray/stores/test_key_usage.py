"""Counts of requests in a real database: told twice, late and by several machines they are the same."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from cluster.database import writing
from cluster.key_usage import USAGE_TABLE, CountedUse, DayUse, UsageStore

A, B = "a" * 12, "b" * 12
TOLD = st.builds(CountedUse, st.sampled_from([A, B]), st.integers(7, 9), st.integers(1, 3), st.integers(0, 5))
FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(st.lists(st.lists(TOLD, max_size=4), max_size=6), st.randoms(use_true_random=False))
def test_counts_are_the_largest_that_each_counter_told_in_whatever_order_and_how_often(
    engine: Engine, calls: list[list[CountedUse]], chance: object
) -> None:
    store = UsageStore(engine)
    with writing(engine) as connection:
        connection.execute(USAGE_TABLE.delete())
    again: list[Sequence[CountedUse]] = [*calls, *calls]
    chance.shuffle(again)  # type: ignore[attr-defined]
    known: dict[tuple[str, int, int], int] = {}
    for call in again:
        distinct = {(one.key_id, one.day, one.counter): one for one in call}
        for place, one in distinct.items():
            known[place] = max(known.get(place, 0), one.requests)
        found = store.exchange(list(distinct.values()), 8)
        expected = {CountedUse(*place, requests) for place, requests in known.items() if place[1] == 8}
        assert set(found) == expected
    sums: dict[tuple[int, str], int] = {}
    for (key_id, day, _), requests in known.items():
        sums[day, key_id] = sums.get((day, key_id), 0) + requests
    uses = [DayUse(key_id, day, requests) for (day, key_id), requests in sorted(sums.items())]
    assert store.since(0) == uses
    assert store.since(8, A) == [use for use in uses if use.day >= 8 and use.key_id == A]


def test_days_before_the_window_are_removed_and_its_first_day_stays(engine: Engine) -> None:
    store = UsageStore(engine)
    store.exchange([CountedUse(A, day, 1, 5) for day in (1, 2, 3)], 3)
    assert store.forget_before(2) == 1
    assert store.forget_before(2) == 0
    assert [use.day for use in store.since(0)] == [2, 3]


@pytest.mark.parametrize("most", [2**62])
def test_large_counters_and_counts_are_kept_exactly(engine: Engine, most: int) -> None:
    one = CountedUse(A, 20_000, most, 10**15)
    assert UsageStore(engine).exchange([one], 20_000) == [one]


def test_replicas_that_tell_the_same_counters_at_once_wait_for_each_other_and_lose_nothing(
    engine: Engine,
) -> None:
    store = UsageStore(engine)

    def tell(number: int) -> None:
        rows = [CountedUse(f"{key:012x}", 1, 1, number) for key in range(20)]
        store.exchange(rows[:: 1 if number % 2 else -1], 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, range(1, 25)))
    assert [use.requests for use in store.since(1)] == [24] * 20
