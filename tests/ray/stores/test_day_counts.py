"""Live counts in SQL, beside a slow count: nobody adds more than his share, however the log is cut."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from cluster.event_store import EventStore
from cluster.screening import screen_store
from recsys.config import ScreeningConfig
from recsys.robustness import Reason
from tests.ray.stores.test_event_store import events

DAY_US = 86_400_000_000
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
Sent = tuple[str, str, str, datetime]
Key = tuple[str, str, int]


def sent(rng: random.Random, count: int) -> list[Sent]:
    """Few users, items, types and days, some of them days to come, so that shares run out."""
    days = (-1, 0, 0, 0, 1)
    return [
        (
            rng.choice(("u", "u", "v", "w")),
            rng.choice("abc"),
            rng.choice(("view", "click")),
            WHEN + timedelta(days=rng.choice(days), seconds=rng.randrange(3_600)),
        )
        for _ in range(count)
    ]


def append(store: EventStore, rows: list[Sent], first: int) -> None:
    """Write rows as events of the day `WHEN`."""
    for number, (user, item, kind, at) in enumerate(rows, first):
        store.append(events(f"e{number}", user_id=user, item_id=item, event_type=kind, occurred_at=at))


def slow(rows: list[Sent], most: int | None, left_out: frozenset[str] = frozenset()) -> Counter[Key]:
    """Every user's share one event after the other."""
    told: Counter[tuple[str, str, str, int]] = Counter()
    found: Counter[Key] = Counter()
    for user, item, kind, at in rows:
        day = int(min(at, WHEN).timestamp()) // 86_400
        told[user, item, kind, day] += 1
        if f"user:{user}" not in left_out and (most is None or told[user, item, kind, day] <= most):
            found[item, kind, day] += 1
    return found


@pytest.mark.parametrize("most", [None, 1, 3])
@pytest.mark.parametrize("left_out", [frozenset[str](), frozenset({"user:u", "user:nobody"})])
def test_any_cuts_give_the_slow_count(engine: Engine, most: int | None, left_out: frozenset[str]) -> None:
    rng, store = random.Random(f"{most} {len(left_out)}"), EventStore(engine)
    rows = sent(rng, 90)
    found: Counter[Key] = Counter()
    seq = first = 0
    while first < len(rows):
        part = rows[first : first + rng.randint(1, 25)]
        append(store, part, first)
        first += len(part)
        counts = store.popularity_since(seq, most, left_out)
        assert counts.last_seq == first
        assert all(count > 0 for *_, count in counts.rows)
        for item, kind, day, count in counts.rows:
            found[item, kind, day] += count
        assert found == slow(rows[:first], most, left_out)
        seq = counts.last_seq
    assert Counter({(i, t, d): n for i, t, d, n in store.popularity_since(0, most, left_out).rows}) == found
    assert store.popularity_since(seq, most, left_out).rows == ()


def test_a_day_to_come_is_the_day_of_receipt(engine: Engine) -> None:
    store, day = EventStore(engine), int(WHEN.timestamp()) // 86_400
    for number in range(4):
        store.append(events(f"e{number}", occurred_at=WHEN + timedelta(days=number)))
    assert store.popularity_since(0).rows == (("i", "view", day, 4),)
    assert store.popularity_since(0, 2).rows == (("i", "view", day, 2),)


def test_leaving_a_user_out_leaves_out_his_visits_before_signing_in(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events("a", "b", user_id=None, visitor_id="x"))
    assert store.popularity_since(0, 5, {"user:u"}).rows[0][3] == 2
    store.append(events("c", visitor_id="x"))
    store.append(events("d", user_id=None, visitor_id="other"))
    (row,) = store.popularity_since(0, 5, {"user:u"}).rows
    assert row[3] == 1


def test_the_log_is_screened_by_owner_and_without_impressions(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events(*(f"s{n}" for n in range(60)), event_type="impression", user_id="shown"))
    store.append(events(*(f"v{n}" for n in range(30)), user_id=None, visitor_id="x"))
    store.append(events(*(f"u{n}" for n in range(20)), visitor_id="x"))
    store.append(events(*(f"h{n}" for n in range(49)), user_id="h"))
    found = screen_store(store, ScreeningConfig())
    assert found.marked == {"user:u": (Reason.FLOOD,)}
    assert found.num_events == 50
    assert screen_store(store, ScreeningConfig(enabled=False)).marked == {}


def test_only_the_newest_events_are_looked_at(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events(*(f"e{n}" for n in range(30))))
    store.append(events(*(f"f{n}" for n in range(5)), user_id="v"))
    assert {user for user, *_ in store.active_users(5, 10)} == {"user:u", "user:v"}
    assert len(store.active_users(5, 10)) == 10
    assert {user for user, *_ in store.active_users(6, 9)} == set()
    assert len(store.active_users(6, 1_000)) == 30


def test_purchases_of_a_visitor_are_those_of_the_user_he_turned_out_to_be(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events("a", event_type="purchase", user_id=None, visitor_id="x"))
    store.append(events("b", visitor_id="x"))
    assert [user for user, *_ in store.purchases(10)[0]] == ["user:u"]
