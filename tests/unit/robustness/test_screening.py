"""Screening: each reason on a made case, no reason for shoppers, and the order of events is nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.config import ScreeningConfig
from recsys.robustness import Activity, Reason, Screening, screen
from recsys.robustness.activity import DAY_US, HOUR_US, MINUTE_US
from recsys.shop import make_shop
from recsys.simulator import BehaviourConfig, act, make_population

START = 20_000 * DAY_US
NOW = datetime(2026, 3, 1, tzinfo=UTC)
SECOND_US = 1_000_000
Row = tuple[str, str, int]


def found(rows: list[Row], config: ScreeningConfig | None = None) -> Screening:
    """What screening says of some events."""
    return screen(Activity.of(rows), config or ScreeningConfig())


def uneven(seed: int, count: int, most_us: int) -> list[int]:
    """Times with gaps of chance."""
    gaps = np.random.default_rng(seed).exponential(most_us / 3, count).clip(1, most_us)
    return [START + int(at) for at in np.cumsum(gaps)]


def flood(num: int) -> list[Row]:
    """One item within less than a day, among others."""
    times = [START + n * (DAY_US // (num + 1)) for n in range(num)]
    return [("user:m", "one", at) for at in times]


def hurry(num: int) -> list[Row]:
    """Different moments of one minute."""
    return [("user:m", f"i{n}", START + n * (MINUTE_US // (num + 1)) + n % 7) for n in range(num)]


def crawl(num: int) -> list[Row]:
    """Different items on one day."""
    return [("user:m", f"i{n}", START + (n // 40) * 900 * SECOND_US + (n * n) % 97) for n in range(num)]


def few_items(num: int) -> list[Row]:
    """Three items, over a long time."""
    return [("user:m", f"i{n % 3}", START + n * 11 * HOUR_US) for n in range(num)]


def clockwork(num: int) -> list[Row]:
    """One item after the other, every 90 seconds."""
    return [("user:m", f"i{n}", START + n * 90 * SECOND_US + (n % 2)) for n in range(num)]


def sleepless(num: int) -> list[Row]:
    """Every hour of `num` days."""
    return [("user:m", f"i{n}", START + n * HOUR_US + (n * 7919) % 59 * MINUTE_US) for n in range(24 * num)]


CASES = {
    Reason.FLOOD: (flood(50), flood(49)),
    Reason.HURRY: (hurry(120), hurry(119)),
    Reason.CRAWL: (crawl(2_000), crawl(1_999)),
    Reason.FEW_ITEMS: (few_items(200), few_items(150)),
    Reason.CLOCKWORK: (clockwork(101), clockwork(100)),
    Reason.SLEEPLESS: (sleepless(3), sleepless(2)),
}


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_fires_at_its_limit_and_not_below(reason: Reason) -> None:
    over, under = CASES[reason]
    honest = [("user:h", f"i{n}", at) for n, at in enumerate(uneven(1, 60, 300 * SECOND_US))]
    marked = found([*honest, *over]).marked
    assert set(marked) == {"user:m"}
    assert reason in marked["user:m"]
    assert reason not in found(under).marked.get("user:m", ())


def test_a_day_and_a_minute_end_before_they_are_full() -> None:
    def spread(num: int, span_us: int) -> set[Reason]:
        rows = [("user:m", "one", START + n * span_us // (num - 1)) for n in range(num)]
        return set(found(rows).marked.get("user:m", ()))

    assert Reason.FLOOD in spread(50, DAY_US - 1)
    assert Reason.FLOOD not in spread(50, DAY_US)
    assert Reason.HURRY in spread(120, MINUTE_US - 1)
    assert Reason.HURRY not in spread(120, MINUTE_US)


def test_every_moment_counts_once_so_that_a_large_basket_is_no_hurry() -> None:
    assert found([("user:h", f"i{n}", START) for n in range(400)]).marked == {}


def test_dates_without_times_show_no_clock_and_no_night() -> None:
    rows = [("user:h", f"i{n}", START + (n // 3) * DAY_US) for n in range(600)]
    assert found(rows).marked == {}


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_order_of_events_is_nothing(data: st.DataObject) -> None:
    low = ScreeningConfig(
        flood_events=3, minute_moments=3, day_items=4, few_items_events=5, few_items_share=0.3, regular_gaps=2
    )
    one = st.tuples(
        st.sampled_from(["user:a", "user:b", "visitor:c"]),
        st.sampled_from("xyzvw"),
        st.integers(0, 40).map(lambda n: START + n * 20 * SECOND_US),
    )
    rows = data.draw(st.lists(one, max_size=40))
    turned = data.draw(st.permutations(rows))
    assert found(turned, low) == found(rows, low)
    for key in found(rows, low).marked:  # nobody is marked for what others do
        alone = [row for row in rows if row[0] == key]
        assert found(alone, low).marked[key] == found(rows, low).marked[key]


def test_a_trusted_user_is_named_and_not_marked_and_off_is_off() -> None:
    rows = flood(60)
    plain = found(rows)
    assert (plain.num_events, plain.counts(), plain.trusted) == (60, {"flood": 1}, ())
    trusted = found(rows, ScreeningConfig(trusted=frozenset({"user:m"})))
    assert (trusted.marked, trusted.num_events, trusted.trusted) == ({}, 0, ("user:m",))
    assert found(rows, ScreeningConfig(enabled=False)) == Screening()
    assert found([]) == Screening()


def test_nobody_is_marked_with_fewer_events_than_the_store_asks_for() -> None:
    least = ScreeningConfig().least_events
    for over, _ in CASES.values():
        assert found(over[: least - 1]).marked == {}


@cache
def shop_rows(seed: int) -> list[Row]:
    """What the built-in shop's shoppers did."""
    events = make_shop(seed, num_items=300, num_shoppers=250, now=NOW).events
    times = events.column("occurred_at").cast("int64").to_pylist()
    users, items = events.column("user_id").to_pylist(), events.column("item_id").to_pylist()
    return [(f"user:{user}", item, at) for user, item, at in zip(users, items, times, strict=True)]


def simulated_rows(seed: int) -> list[Row]:
    """Thirty visits of each simulated shopper, a few in a day; acts of a visit some seconds apart."""
    population, rng = make_population(seed, 200, 60, NOW), np.random.default_rng(seed)
    rows: list[Row] = []
    for user, user_id in enumerate(population.user_ids):
        for _ in range(30):
            at = START + int(rng.integers(30 * 24)) * HOUR_US
            shown = [population.item_ids[n] for n in rng.choice(200, 10, replace=False)]
            acts = act(population, user, shown, set(), BehaviourConfig(), rng).acts
            for one in acts:
                at += int(rng.exponential(8 * SECOND_US)) + SECOND_US
                if one.event_type != "impression":
                    rows.append((f"user:{user_id}", one.item_id, at))
    return rows


@pytest.mark.parametrize("seed", range(3))
def test_honest_shoppers_are_not_screened(seed: int) -> None:
    assert found(shop_rows(seed)).marked == {}
    assert found(simulated_rows(seed)).marked == {}


def test_among_shoppers_only_the_machine_is_found() -> None:
    rows = [*shop_rows(0), *flood(300)]
    random.Random(4).shuffle(rows)
    assert set(found(rows).marked) == {"user:m"}
