"""Use of keys over replicas, machines, restarts, days and databases that are away."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine

from cluster.database import writing
from cluster.key_usage import KEPT_DAYS, USAGE_TABLE, CountedUse, UsageStore
from recsys.access import ApiKey, DailyQuota, Scope, day_of, issue_key
from recsys.errors import QuotaError, StoreError
from serve_app.usage_watch import UsageWatch

NOON_US = day_of(1_800_000_000_000_000) * 86_400_000_000 + 43_200_000_000
DAY_US = 86_400_000_000
Step = tuple[int, str]
"""A machine, and what it does."""
FEW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Clock:
    """Microseconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now_us = NOON_US

    def __call__(self) -> int:
        return self.now_us

    @property
    def day(self) -> int:
        return day_of(self.now_us)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nowhere(tmp_path: Path) -> Iterator[UsageStore]:
    """A store whose database has no tables: every call fails."""
    engine = create_engine(f"sqlite:///{tmp_path}/none.db")
    yield UsageStore(engine)
    engine.dispose()


def key_of(requests: int | None) -> ApiKey:
    quota = None if requests is None else DailyQuota(requests)
    return issue_key("shop", frozenset({Scope.RECOMMEND}), NOON_US, quota=quota).key


def go_on(replica: UsageWatch, key: ApiKey, times: int) -> int:
    """How many of so many requests the key's quota lets through."""
    return sum(_goes_on(replica, key) for _ in range(times))


def _goes_on(replica: UsageWatch, key: ApiKey) -> bool:
    try:
        replica.take(key, replica.now_us())
    except QuotaError:
        return False
    return True


def exchange(*replicas: UsageWatch) -> None:
    for replica in replicas:
        asyncio.run(replica.refresh())


def test_replicas_of_a_machine_share_a_quota_exactly_without_any_database(
    nowhere: UsageStore, tmp_path: Path, clock: Clock
) -> None:
    first, second = (UsageWatch(nowhere, tmp_path / "shm", 1.0, clock) for _ in range(2))
    key, other = key_of(5), key_of(5)
    assert [go_on(one, key, 3) for one in (first, second)] == [3, 2]
    assert first.used(key, clock.now_us) == second.used(key, clock.now_us) == 5
    assert go_on(first, other, 1) == 1
    with pytest.raises(QuotaError, match=r"at most 5 requests a UTC day, the next from 2027-01-16T00:00:00Z"):
        second.take(key, clock.now_us)
    assert second.take(key_of(None), clock.now_us) == 1


def test_machines_know_of_each_other_after_an_exchange(engine: Engine, tmp_path: Path, clock: Clock) -> None:
    here, there = (UsageWatch(UsageStore(engine), tmp_path / name, 1.0, clock) for name in "ab")
    key = key_of(10)
    assert [go_on(one, key, 4) for one in (here, there)] == [4, 4]
    exchange(here, there, here)
    assert here.used(key, clock.now_us) == there.used(key, clock.now_us) == 8
    assert [go_on(one, key, 9) for one in (here, there)] == [2, 2], "what comes between exchanges is too many"
    exchange(here, there, here)
    assert go_on(here, key, 1) + go_on(there, key, 1) == 0
    assert [use.requests for use in UsageStore(engine).since(clock.day)] == [12]


@FEW
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["ask", "exchange", "fail"])), max_size=30))
def test_in_the_end_the_database_has_what_went_on_whatever_was_lost_on_the_way(
    engine: Engine,
    nowhere: UsageStore,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, str]],
) -> None:
    clock, key, store, root = Clock(), key_of(15), UsageStore(engine), tmp_path_factory.mktemp("machines")
    machines = [UsageWatch(store, root / str(number), 1.0, clock) for number in range(3)]
    lost = [UsageWatch(nowhere, root / str(number), 1.0, clock) for number in range(3)]
    with writing(engine) as connection:
        connection.execute(USAGE_TABLE.delete())
    went_on = 0
    for machine, what in steps:
        if what == "ask":
            went_on += go_on(machines[machine], key, 2)
        elif what == "exchange":
            exchange(machines[machine])
        else:
            with pytest.raises(StoreError):
                exchange(lost[machine])
    exchange(*machines, *machines)
    assert sum(use.requests for use in store.since(clock.day)) == went_on
    assert {one.used(key, clock.now_us) for one in machines} == {went_on}


@pytest.mark.parametrize("memory", ["kept", "lost"])
def test_a_restart_goes_on_from_what_was_counted(
    engine: Engine, tmp_path: Path, clock: Clock, memory: str
) -> None:
    key, store = key_of(6), UsageStore(engine)
    before = UsageWatch(store, tmp_path / "a", 1.0, clock)
    assert go_on(before, key, 4) == 4
    exchange(before)
    after = UsageWatch(store, tmp_path / ("a" if memory == "kept" else "b"), 1.0, clock)
    asyncio.run(after.begin())
    assert go_on(after, key, 4) == 2
    exchange(after)
    assert [use.requests for use in store.since(0)] == [6]


def test_what_a_killed_service_had_not_told_the_next_one_tells(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    key, store = key_of(None), UsageStore(engine)
    assert go_on(UsageWatch(store, tmp_path, 1.0, clock), key, 3) == 3
    assert store.since(0) == []
    asyncio.run(UsageWatch(store, tmp_path, 1.0, clock).begin())
    assert [(use.key_id, use.requests) for use in store.since(0)] == [(key.key_id, 3)]


def test_while_the_database_is_away_requests_go_on_and_are_told_later(
    engine: Engine, nowhere: UsageStore, tmp_path: Path, clock: Clock
) -> None:
    away = UsageWatch(nowhere, tmp_path, 1.0, clock)
    key = key_of(100)
    asyncio.run(away.begin())
    for _ in range(3):
        assert go_on(away, key, 5) == 5
        with pytest.raises(StoreError):
            exchange(away)
    clock.now_us += 3 * DAY_US
    assert go_on(away, key, 2) == 2
    exchange(UsageWatch(UsageStore(engine), tmp_path, 1.0, clock))
    assert [(use.day, use.requests) for use in UsageStore(engine).since(0)] == [
        (clock.day - 3, 15),
        (clock.day, 2),
    ]


def test_midnight_brings_a_new_quota_and_old_files_go_when_they_are_told(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    watch, key = UsageWatch(UsageStore(engine), tmp_path, 1.0, clock), key_of(2)
    clock.now_us += DAY_US // 2 - 1
    last_us = clock.now_us
    assert go_on(watch, key, 3) == 2
    clock.now_us += 1
    assert go_on(watch, key, 3) == 2
    assert watch.used(key, last_us) == 2
    exchange(watch)
    assert len(list(tmp_path.glob(f"{key.key_id}-*"))) == 2, "a request around midnight may still count"
    clock.now_us += DAY_US
    exchange(watch)
    assert [file.name for file in tmp_path.glob(f"{key.key_id}-*")] == [f"{key.key_id}-{clock.day - 1}"]


def test_one_replica_of_a_machine_exchanges_until_it_leaves_and_then_another(
    engine: Engine, tmp_path: Path, clock: Clock
) -> None:
    store, key = UsageStore(engine), key_of(None)
    store.exchange([CountedUse(key.key_id, clock.day - KEPT_DAYS + back, 1, 1) for back in range(2)], 0)
    first, second = (UsageWatch(store, tmp_path, 0.001, clock) for _ in range(2))

    async def until(requests: int) -> None:
        async with asyncio.timeout(30.0):
            while [use.requests for use in store.since(clock.day)] != [requests]:
                await asyncio.sleep(0.001)

    async def scene() -> None:
        go_on(second, key, 2)
        leading = asyncio.create_task(first.run())
        await until(2)
        following = asyncio.create_task(second.run())
        go_on(second, key, 1)
        await until(3)
        leading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leading
        await first.leave()
        go_on(first, key, 1)
        await until(4)
        following.cancel()

    asyncio.run(scene())
    assert [use.day for use in store.since(0)] == [clock.day - KEPT_DAYS + 1, clock.day]


def test_a_memory_that_takes_no_count_costs_the_count_and_no_request(
    engine: Engine, tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "shm").write_text("somebody's file where the folder would be")
    watch = UsageWatch(UsageStore(engine), tmp_path / "shm", 1.0, clock)
    key = key_of(1)
    assert [watch.take(key, clock.now_us) for _ in range(3)] == [None] * 3
    assert watch.used(key, clock.now_us) is None
    assert "requests go on uncounted, 1 so far" in caplog.text
    assert "2 so far" not in caplog.text
