"""Profiles follow the event log: never stale, equal to a rebuilt one, bounded, thread-safe."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
import ray
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster import profile_store
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.profile_store import ProfilePartition, partition_of
from recsys.config import ProfileConfig
from recsys.errors import StoreError
from recsys.history import HistoryEvent
from recsys.profile import UserProfile, build_profile
from recsys.schemas import EVENTS

NOW_US = 1_700_000_000_000_000
CONFIG = ProfileConfig(max_events=6)
USERS = ("user:a", "user:b", "user:c")


def rows(*events: tuple[str, str, str], at_us: int = NOW_US) -> pa.Table:
    """`EVENTS` rows of `(user_id, item_id, event_id)`, all views."""
    at = datetime.fromtimestamp(at_us / 1e6, UTC)
    return pa.Table.from_pylist(
        [
            {
                "event_id": event_id,
                "user_id": user_id,
                "item_id": item_id,
                "event_type": "view",
                "occurred_at": at,
                "received_at": at,
            }
            for user_id, item_id, event_id in events
        ],
        schema=EVENTS,
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'events.db'}"


class CountingLog:
    """An event log in memory that counts reads and fails on demand."""

    def __init__(self) -> None:
        self.log: list[HistoryEvent] = []
        self.broken = False
        self.without_sign = False
        self.history_reads = 0

    def add(self, user_key: str, item_id: str) -> None:
        seq = len(self.log) + 1
        self.log.append(HistoryEvent(seq, f"e{seq}", user_key, item_id, "view", None, None, NOW_US + seq))

    def events_of(self, user_key: str, limit: int) -> list[HistoryEvent]:
        self._check()
        self.history_reads += 1
        return [event for event in self.log if event.user_key == user_key][-limit:]

    def events_after(self, seq: int, limit: int) -> list[HistoryEvent]:
        self._check()
        return [event for event in self.log if event.seq > seq][:limit]

    def last_seq(self) -> int:
        self._check()
        return len(self.log)

    def erasures(self) -> int:
        return 0

    def change_sign(self) -> int | None:
        return None if self.without_sign else len(self.log)

    def _check(self) -> None:
        if self.broken:
            raise StoreError("the store is gone")


def rebuilt(log: CountingLog, user_key: str) -> UserProfile:
    return build_profile(user_key, log.events_of(user_key, CONFIG.max_events), NOW_US, CONFIG)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.sampled_from(USERS), st.sampled_from("xyz")),
        st.tuples(st.just("ask"), st.sampled_from(USERS), st.just("")),
        st.tuples(st.just("ask at once"), st.sampled_from(USERS), st.just("")),
        st.tuples(st.just("forget"), st.sampled_from(USERS), st.just("")),
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(STEPS, st.integers(1, 3), st.integers(1, 20), st.integers(1, 5))
def test_a_cached_profile_equals_a_rebuilt_one_under_any_interleaving(
    steps: list[tuple[str, str, str]], cached_users: int, cached_events: int, max_catch_up: int
) -> None:
    log = CountingLog()
    partition = ProfilePartition(log, CONFIG, cached_users, cached_events)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profile_store, "MAX_CATCH_UP", max_catch_up)
        for step, user_key, item_id in steps:
            if step == "append":
                log.add(user_key, item_id)
            elif step == "forget":
                partition.forget(user_key)
            elif step == "ask at once":
                assert partition.profile_at_once(user_key, NOW_US) in (None, rebuilt(log, user_key))
            else:
                assert partition.profile(user_key, NOW_US) == rebuilt(log, user_key)


@settings(deadline=None, max_examples=15)
@given(STEPS)
def test_two_partitions_over_one_sqlite_log_agree_with_it(steps: list[tuple[str, str, str]]) -> None:
    with TemporaryDirectory() as folder:
        engines = [open_database(f"sqlite:///{folder}/events.db") for _ in range(3)]
        stores = [EventStore(engine) for engine in engines]
        partitions = [ProfilePartition(store, CONFIG) for store in stores[:2]]
        for number, (step, user_key, item_id) in enumerate(steps):
            if step == "append":
                stores[2].append(rows((user_key.removeprefix("user:"), item_id, f"e{number}")))
                continue
            events = stores[2].events_of(user_key, CONFIG.max_events)
            wanted = build_profile(user_key, events, NOW_US, CONFIG)
            for partition in partitions:
                assert partition.profile(user_key, NOW_US) == wanted
        for engine in engines:
            engine.dispose()


def test_an_event_acked_to_another_connection_is_in_the_very_next_profile(url: str) -> None:
    reader = ProfilePartition(EventStore(open_database(url)), ProfileConfig())
    writer = EventStore(open_database(url))
    assert reader.profile("user:a", NOW_US).seen == frozenset()
    for number in range(30):
        writer.append(rows(("a", f"item{number}", f"e{number}")))
        assert f"item{number}" in reader.profile("user:a", NOW_US).seen


def test_an_event_acked_in_another_process_is_in_the_very_next_profile(url: str, ray_cluster: None) -> None:
    @ray.remote(num_cpus=0.1)
    class Writer:
        def __init__(self, url: str) -> None:
            self._store = EventStore(open_database(url))

        def append(self, events: pa.Table) -> int:
            return self._store.append(events).appended

    reader = ProfilePartition(EventStore(open_database(url)), ProfileConfig())
    assert reader.profile("user:a", NOW_US).num_events == 0
    actor: Any = Writer
    writer = actor.remote(url)
    for number in range(5):
        assert ray.get(writer.append.remote(rows(("a", f"item{number}", f"e{number}")))) == 1
        assert f"item{number}" in reader.profile("user:a", NOW_US).seen
    ray.kill(writer)


def test_a_new_partition_knows_what_the_one_that_died_knew(url: str) -> None:
    store = EventStore(open_database(url))
    store.append(rows(("a", "x", "e1"), ("a", "y", "e2"), ("b", "z", "e3")))
    before = ProfilePartition(store, CONFIG).profile("user:a", NOW_US)
    assert before.seen == {"x", "y"}
    assert ProfilePartition(EventStore(open_database(url)), CONFIG).profile("user:a", NOW_US) == before


def test_a_known_user_is_not_read_again_and_the_one_asked_longest_ago_leaves() -> None:
    log = CountingLog()
    partition = ProfilePartition(log, CONFIG, cached_users=2)
    for user_key in ("user:a", "user:b", "user:a", "user:c", "user:a"):
        log.add(user_key, "x")
        partition.profile(user_key, NOW_US)
    assert log.history_reads == 3
    partition.profile("user:b", NOW_US)
    assert log.history_reads == 4


def test_the_cache_is_bounded_by_events_too() -> None:
    log = CountingLog()
    for number in range(12):
        log.add(USERS[number % 2], f"i{number}")
    partition = ProfilePartition(log, CONFIG, cached_events=6)
    for _ in range(3):
        for user_key in USERS[:2]:  # six events each: only one of them fits
            partition.profile(user_key, NOW_US)
    assert log.history_reads == 6


def test_a_partition_far_behind_forgets_its_cache_and_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_store, "MAX_CATCH_UP", 10)
    log = CountingLog()
    partition = ProfilePartition(log, CONFIG)
    partition.profile("user:a", NOW_US)
    for number in range(100):
        log.add(USERS[number % 3], f"i{number}")
    assert partition.profile("user:a", NOW_US) == rebuilt(log, "user:a")
    reads = log.history_reads
    log.add("user:a", "newest")
    assert "newest" in partition.profile("user:a", NOW_US).seen
    assert log.history_reads == reads  # it follows again


def test_a_lost_store_is_a_store_error_and_nothing_is_lost_when_it_is_back() -> None:
    log = CountingLog()
    partition = ProfilePartition(log, CONFIG)
    log.broken = True
    with pytest.raises(StoreError):
        partition.profile("user:a", NOW_US)
    log.broken = False
    log.add("user:a", "x")
    assert partition.profile("user:a", NOW_US).seen == {"x"}
    log.broken = True
    log.add("user:a", "y")
    with pytest.raises(StoreError):
        partition.profile("user:a", NOW_US)
    log.broken = False
    assert partition.profile("user:a", NOW_US).seen == {"x", "y"}


def test_readers_in_many_threads_see_every_event_acked_before_they_asked(url: str) -> None:
    store = EventStore(open_database(url))
    partition = ProfilePartition(EventStore(open_database(url)), ProfileConfig(), cached_users=2)
    acked: dict[str, set[str]] = {user: set() for user in "abc"}
    done = threading.Event()

    def read(user: str) -> int:
        asked = 0
        while not done.is_set() or asked == 0:
            must_see = set(acked[user])
            assert must_see <= partition.profile(f"user:{user}", NOW_US).seen
            asked += 1
        return asked

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(read, user) for user in "abcabc"]
        try:
            for number in range(60):
                user = "abc"[number % 3]
                store.append(rows((user, f"i{number}", f"e{number}")))
                acked[user].add(f"i{number}")
        finally:
            done.set()
        assert all(reader.result() > 0 for reader in readers)
    assert [len(partition.profile(f"user:{user}", NOW_US).seen) for user in "abc"] == [20, 20, 20]


def test_every_user_has_one_partition_that_never_changes() -> None:
    owners = [partition_of(f"user:{n}", 4) for n in range(400)]
    assert set(owners) == {0, 1, 2, 3}
    assert [partition_of(key, 4) for key in ("user:1", "user:2", "visitor:1")] == [
        partition_of(key, 4) for key in ("user:1", "user:2", "visitor:1")
    ]
    assert partition_of("user:shopper-0001", 1) == 0


@pytest.mark.parametrize("without_sign", [True, False])
def test_a_profile_at_once_is_the_profile_or_nothing(without_sign: bool) -> None:
    log = CountingLog()
    log.without_sign = without_sign
    log.add("user:a", "i1")
    partition = ProfilePartition(log, CONFIG)
    assert partition.profile_at_once("user:a", NOW_US) is None  # where the log ends is not known yet
    read = partition.profile("user:a", NOW_US)
    assert partition.profile_at_once("user:a", NOW_US) == (None if without_sign else read)
    for user, item in (("user:b", "i2"), ("user:a", "i3")):
        log.add(user, item)
        at_once = partition.profile_at_once(user, NOW_US)
        assert at_once == (None if without_sign else partition.profile(user, NOW_US))
    assert "i3" in partition.profile("user:a", NOW_US).seen


def test_many_new_events_are_not_read_on_the_loop() -> None:
    log = CountingLog()
    log.without_sign = False
    partition = ProfilePartition(log, CONFIG)
    partition.profile("user:a", NOW_US)
    for number in range(profile_store.QUICK_EVENTS + 1):
        log.add("user:b", f"i{number}")
    assert partition.profile_at_once("user:a", NOW_US) is None
    partition.profile("user:a", NOW_US)
    assert partition.profile_at_once("user:a", NOW_US) is not None


def test_a_long_history_is_not_made_on_the_loop() -> None:
    log = CountingLog()
    for number in range(profile_store.QUICK_EVENTS + 1):
        log.add("user:a", f"i{number}")
    partition = ProfilePartition(log, ProfileConfig())
    partition.profile("user:b", NOW_US)
    assert partition.profile_at_once("user:a", NOW_US) is None
    whole = partition.profile("user:a", NOW_US)
    assert whole.num_events == profile_store.QUICK_EVENTS + 1
    assert partition.profile_at_once("user:a", NOW_US) is None
    assert partition.profile("user:a", NOW_US) == whole
