"""Caps: nobody says more than his share, the newest stays, twice is once; beside a slow count."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import UserCaps
from recsys.interaction_log import DAY_US, InteractionLog
from recsys.item_item import transitions
from recsys.robustness import capped

ITEMS = ("a", "b", "c")
Row = tuple[str, str, int]
rows_of = st.lists(
    st.tuples(st.sampled_from(("u", "v")), st.sampled_from(ITEMS), st.integers(0, 3 * DAY_US)), max_size=40
)
caps_of = st.builds(
    UserCaps, events=st.integers(1, 9), item_events=st.integers(1, 5), item_events_a_day=st.integers(1, 3)
)


def log_of(rows: list[Row]) -> InteractionLog:
    """A log whose weights are places in `rows`, so that rows can be told apart."""
    users, items, times = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    return InteractionLog.build(
        ITEMS, users, items, np.arange(len(rows), dtype=np.float64), np.array(times, np.int64)
    )


def places(log: InteractionLog) -> list[int]:
    """Which rows a log has."""
    return [int(weight) for weight in log.weights]


def slow(rows: list[Row], caps: UserCaps) -> set[int]:
    """Rows that stay, from the newest to the oldest, one cap after the other."""
    left = sorted(range(len(rows)), key=lambda n: (rows[n][2], n), reverse=True)
    for most, key in (
        (caps.item_events_a_day, lambda row: (row[0], row[1], row[2] // DAY_US)),
        (caps.item_events, lambda row: (row[0], row[1])),
        (caps.events, lambda row: row[0]),
    ):
        told: Counter[object] = Counter()
        kept = []
        for n in left:
            told[key(rows[n])] += 1
            if told[key(rows[n])] <= most:
                kept.append(n)
        left = kept
    return set(left)


@settings(deadline=None, max_examples=200)
@given(rows=rows_of, caps=caps_of)
def test_caps_are_those_of_a_slow_count_and_twice_is_once(rows: list[Row], caps: UserCaps) -> None:
    log = log_of(rows)
    found = capped(log, caps)
    assert set(places(found)) == slow(rows, caps)
    assert [n for n in places(log) if n in set(places(found))] == places(found)
    assert capped(found, caps) is found
    assert (found.user_keys, found.item_ids) == (log.user_keys, log.item_ids)


@settings(deadline=None, max_examples=100)
@given(rows=rows_of, caps=caps_of, times=st.integers(0, 60), at=st.integers(0, 3 * DAY_US))
def test_repeating_raises_no_count_beyond_the_cap(
    rows: list[Row], caps: UserCaps, times: int, at: int
) -> None:
    log = capped(log_of([*rows, *[("u", "a", at)] * times]), caps)
    told = Counter(zip(log.users.tolist(), log.items.tolist(), strict=True))
    days = Counter(
        zip(log.users.tolist(), log.items.tolist(), (log.occurred_at_us // DAY_US).tolist(), strict=True)
    )
    assert max(told.values(), default=0) <= caps.item_events
    assert max(days.values(), default=0) <= caps.item_events_a_day
    assert np.bincount(log.users).max(initial=0) <= caps.events
    honest = [row for row in rows if row[0] == "v"]
    alone = capped(log_of(honest), caps)
    assert int((log.users == log.user_keys.index("v")).sum() if "v" in log.user_keys else 0) == len(alone)


def test_the_newest_stay_and_a_log_within_bounds_comes_back_itself() -> None:
    rows = [("u", "a", day * DAY_US) for day in range(6)]
    assert places(capped(log_of(rows), UserCaps(item_events=2))) == [4, 5]
    same_time = [("u", "a", 7)] * 6
    assert places(capped(log_of(same_time), UserCaps(item_events_a_day=2))) == [4, 5]
    log = log_of(rows)
    assert capped(log, UserCaps()) is log
    empty = log_of([])
    assert capped(empty, UserCaps(events=1)) is empty


def test_what_is_learned_from_one_user_does_not_grow_with_his_repeating() -> None:
    def learned(times: int) -> float:
        pairs: list[Row] = [("u", "ab"[n % 2], n) for n in range(2 * times)]
        return float(transitions(capped(log_of(pairs), UserCaps()), 1, 1.0, 0.0).sum())

    assert learned(3) < learned(6) == learned(500)
