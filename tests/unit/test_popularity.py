"""Laws of recent popularity."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.behavior import event_weight
from recsys.config import EventWeights
from recsys.history import HistoryEvent
from recsys.popularity import DAY_US, RecentPopularity

WEIGHTS = EventWeights()
HALF_LIFE_S = 7 * 86400.0
TYPES = ["view", "purchase", "dismiss", "return", "impression", "rating"]
NOW_US = 20_000 * DAY_US


def event(seq: int, item_id: str, event_type: str, at_us: int, value: float | None = None) -> HistoryEvent:
    return HistoryEvent(seq, f"e{seq}", "user:a", item_id, event_type, value, None, at_us)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.sampled_from(TYPES),
        st.integers(0, NOW_US),
        st.sampled_from([None, 1.0, 5.0]),
    ),
    max_size=40,
).map(lambda rows: [event(seq, *row) for seq, row in enumerate(rows)])


def directly(events: list[HistoryEvent], item_id: str, now_us: int) -> float:
    half_life_us = HALF_LIFE_S * 1e6
    return sum(
        event_weight(e, WEIGHTS) * math.exp2((e.occurred_at_us - now_us) / half_life_us)
        for e in events
        if e.item_id == item_id and event_weight(e, WEIGHTS)
    )


def counted(events: list[HistoryEvent]) -> RecentPopularity:
    popularity = RecentPopularity(HALF_LIFE_S, WEIGHTS)
    for e in events:
        popularity.add(e, now_us=NOW_US)
    return popularity


@settings(deadline=None, max_examples=150)
@given(EVENTS, st.integers(0, 400))
def test_scores_equal_direct_evaluation_at_any_time_and_in_any_order_over_decades(
    events: list[HistoryEvent], days_later: int
) -> None:
    popularity, now_us = counted(events), NOW_US + days_later * DAY_US
    for item_id in "abcd":
        size = sum(abs(directly([e], item_id, now_us)) for e in events)
        wanted = directly(events, item_id, now_us)
        assert popularity.score(item_id, now_us) == pytest.approx(wanted, rel=1e-9, abs=1e-9 * size + 1e-300)


def test_years_of_daily_events_neither_overflow_nor_vanish() -> None:
    events = [event(day, "a", "view", day * DAY_US) for day in range(20_000)]
    popularity = RecentPopularity(3600.0, WEIGHTS)
    for e in events:
        popularity.add(e, now_us=NOW_US)
    assert popularity.score("a", 19_999 * DAY_US) == pytest.approx(1.0 / (1.0 - 2.0**-24))
    popularity.add(event(0, "b", "purchase", 0), now_us=NOW_US)
    [(item_id, weight)] = popularity.top(5)
    assert (item_id, round(weight, 6)) == ("a", 1.0)


@settings(deadline=None, max_examples=100)
@given(EVENTS, st.integers(0, 6))
def test_top_is_the_positive_items_in_total_order_however_events_came(
    events: list[HistoryEvent], n: int
) -> None:
    newest = max((e.occurred_at_us for e in events if event_weight(e, WEIGHTS)), default=0)
    top = counted(events).top(n)
    weights = dict(counted(events).top(10))
    assert top == sorted(weights.items(), key=lambda row: (-row[1], row[0]))[:n]
    for item_id in "abcd":
        wanted = directly(events, item_id, newest)
        size = sum(abs(directly([e], item_id, newest)) for e in events)
        if abs(wanted) > 1e-9 * size and abs(wanted) > 1e-250:
            assert (item_id in weights) == (wanted > 0.0)


def test_equal_items_come_in_id_order() -> None:
    popularity = counted([event(i, item, "view", 5) for i, item in enumerate("cab")])
    assert [item for item, _ in popularity.top(2)] == ["a", "b"]


def test_the_order_does_not_depend_on_when_it_is_read() -> None:
    popularity = counted([event(0, "old", "purchase", 0), event(1, "new", "view", 40 * DAY_US)])
    early, late = 41 * DAY_US, 1_000 * DAY_US
    assert (popularity.score("new", early) > popularity.score("old", early)) is True
    assert (popularity.score("new", late) > popularity.score("old", late)) is True
    assert [item for item, _ in popularity.top(2)] == ["new", "old"]


def test_an_event_from_the_future_counts_as_now_and_hides_nobody() -> None:
    popularity = RecentPopularity(HALF_LIFE_S, WEIGHTS)
    popularity.add(event(0, "late", "view", NOW_US + 50_000 * DAY_US), now_us=NOW_US)
    popularity.add(event(1, "here", "purchase", NOW_US), now_us=NOW_US)
    popularity.add_counts([("bulk", "view", 90_000, 2)], now_us=NOW_US)
    assert popularity.top(5) == [("here", 6.0), ("bulk", 2.0), ("late", 1.0)]


def test_counts_of_a_day_equal_as_many_events_at_its_noon() -> None:
    bulk, single = RecentPopularity(HALF_LIFE_S, WEIGHTS), RecentPopularity(HALF_LIFE_S, WEIGHTS)
    bulk.add_counts([("a", "purchase", 100, 3), ("a", "view", date(1970, 4, 12), 2)], now_us=NOW_US)
    for seq in range(3):
        single.add(event(seq, "a", "purchase", 100 * DAY_US + DAY_US // 2), now_us=NOW_US)
    for seq in range(2):
        single.add(event(seq, "a", "view", 101 * DAY_US + DAY_US // 2), now_us=NOW_US)
    assert bulk.score("a", NOW_US) == pytest.approx(single.score("a", NOW_US))


def test_counted_ratings_have_no_stars_and_count_half_of_five() -> None:
    bulk = RecentPopularity(HALF_LIFE_S, WEIGHTS)
    bulk.add_counts([("a", "rating", 10, 2), ("b", "review", 10, 1)], now_us=NOW_US)
    assert bulk.top(2) == [("a", 3.0), ("b", 1.5)]


def test_a_category_holds_what_lies_below_its_path_and_nothing_that_only_begins_alike() -> None:
    categories = {"a": "Office/Chairs", "b": "Office/Chairs/Gaming", "c": "Office/Chairs2", "d": None}
    popularity = counted([event(i, item, "view", 5) for i, item in enumerate("abcde")])
    within = popularity.top(9, category="Office/Chairs", categories=categories)
    assert [item for item, _ in within] == ["a", "b"]
    assert popularity.top(1, category="Office", categories=categories, exclude={"a"}) == [("b", 1.0)]


def test_forgotten_items_leave_the_list() -> None:
    popularity = counted([event(0, "a", "view", 5), event(1, "b", "view", 5)])
    assert len(popularity.top(5)) == 2
    popularity.forget(["a", "unknown"])
    assert popularity.top(5) == [("b", 1.0)]


def test_memory_is_bounded_by_dropping_the_weakest() -> None:
    popularity = RecentPopularity(HALF_LIFE_S, WEIGHTS, max_items=8)
    popularity.add_counts([("keep", "purchase", 9, 5)], now_us=NOW_US)
    popularity.add_counts([(f"i{i}", "view", 9, 1) for i in range(100)], now_us=NOW_US)
    assert len(popularity) <= 10
    assert popularity.top(1) == [("keep", 30.0)]
