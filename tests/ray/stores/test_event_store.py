"""The event log on both databases: once each, all or nothing, in order, durable."""

from __future__ import annotations

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from cluster.database import open_database
from cluster.event_store import AppendCounts, EventStore
from cluster.event_writer import EventWriter
from recsys.errors import ConfigError, OverloadedError, StoreError
from recsys.schemas import EVENTS, conform

WHEN = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def events(*ids: str, **fields: Any) -> pa.Table:
    """Events with these ids."""
    rows = {
        "event_id": list(ids),
        "user_id": ["u"] * len(ids),
        "item_id": ["i"] * len(ids),
        "event_type": ["view"] * len(ids),
        "occurred_at": [WHEN] * len(ids),
        "received_at": [WHEN] * len(ids),
    }
    return conform(pa.table({**rows, **{name: [value] * len(ids) for name, value in fields.items()}}), EVENTS)


def test_an_event_counts_once_however_often_it_is_sent(engine: Engine) -> None:
    store = EventStore(engine)
    assert store.append(events("a", "b", "a")) == AppendCounts(2, 1)
    assert store.append(events("b", "c")) == AppendCounts(1, 1)
    assert store.append(events()) == AppendCounts(0, 0)
    assert [one.event_id for one in store.events_after(0, 10)] == ["a", "b", "c"]
    assert (store.count(), store.last_seq()) == (3, 3)


def test_what_was_written_is_read_back(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events("a", value=4.5, review_text="\u00e9\u4e2d\U0001f600 'quoted'", event_type="review"))
    (found,) = store.events_of("user:u", 10)
    assert (found.seq, found.event_id, found.item_id, found.event_type) == (1, "a", "i", "review")
    assert (found.value, found.review_text) == (4.5, "\u00e9\u4e2d\U0001f600 'quoted'")
    assert found.occurred_at_us == int(WHEN.timestamp() * 1_000_000)
    assert store.events_of("user:v", 10) == []


def test_the_newest_events_of_a_user_come_oldest_first(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events(*(f"e{n}" for n in range(6))))
    assert [one.event_id for one in store.events_of("user:u", 3)] == ["e3", "e4", "e5"]
    assert [one.event_id for one in store.events_after(2, 2)] == ["e2", "e3"]


def test_a_batch_is_all_or_nothing(engine: Engine) -> None:
    store = EventStore(engine)
    poisoned = events("a", "b").set_column(4, "item_id", pa.array(["i", None]))
    with pytest.raises(StoreError):
        store.append(poisoned)
    assert (store.count(), store.last_seq()) == (0, 0)


def test_counts_by_item_type_and_day_continue_from_a_number(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events("a", "b"))
    first = store.popularity_since(0)
    day = int(WHEN.timestamp()) // 86_400
    assert (list(map(tuple, first.rows)), first.last_seq) == ([("i", "view", day, 2)], 2)
    store.append(events("c", event_type="click"))
    assert list(map(tuple, store.popularity_since(2).rows)) == [("i", "click", day, 1)]


def write_lane(engine: Engine, lane: int) -> None:
    """Events of its own and some that every lane sends."""
    store = EventStore(engine)
    for number in range(15):
        store.append(events(f"{lane}-{number}", f"shared-{number}"))


def follow_log(engine: Engine, done: threading.Event) -> list[int]:
    """Numbers as a poller sees them while they are drawn."""
    store, seen = EventStore(engine), [0]
    while not done.is_set() or store.last_seq() > seen[-1]:
        seen += [one.seq for one in store.events_after(seen[-1], 100)]
    return seen[1:]


def test_writers_at_the_same_time_lose_nothing_and_number_without_gaps(engine: Engine) -> None:
    done = threading.Event()
    with ThreadPoolExecutor(5) as pool:
        follower = pool.submit(follow_log, engine, done)
        lanes = [pool.submit(write_lane, engine, lane) for lane in range(4)]
        faults = [running.exception() for running in lanes]
        done.set()
        seen = follower.result()
    assert faults == [None] * 4
    # A number that became visible after a larger one would be missing here.
    assert seen == list(range(1, 4 * 15 + 15 + 1))


def test_group_commit_acks_each_batch_and_one_poisoned_batch_fails_alone(engine: Engine) -> None:
    store = EventStore(engine)
    poisoned = events("bad").set_column(4, "item_id", pa.array([None], pa.string()))

    async def run() -> list[AppendCounts | BaseException]:
        writer = EventWriter(store)
        batches = [events(f"{n}-a", f"{n}-b") for n in range(40)]
        batches.insert(20, poisoned)
        found = await asyncio.gather(*(writer.append(b) for b in batches), return_exceptions=True)
        await writer.close()
        return found

    found = asyncio.run(run())
    assert isinstance(found.pop(20), StoreError)
    assert found == [AppendCounts(2, 0)] * 40
    assert store.count() == 80


def test_group_commit_shares_transactions(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/shop.db")
    commits: list[object] = []
    event.listen(engine, "commit", commits.append)

    async def run() -> None:
        writer = EventWriter(EventStore(engine))
        await asyncio.gather(*(writer.append(events(f"e{n}")) for n in range(100)))

    asyncio.run(run())
    assert len(commits) <= 5
    engine.dispose()


def test_a_full_queue_is_refused_and_what_waits_is_written(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/shop.db")
    store = EventStore(engine)

    async def run() -> list[AppendCounts | BaseException]:
        writer = EventWriter(store, max_waiting_events=10)
        batches = [events(*(f"{n}-{k}" for k in range(5))) for n in range(5)]
        return await asyncio.gather(*(writer.append(b) for b in batches), return_exceptions=True)

    found = asyncio.run(run())
    refused = [one for one in found if isinstance(one, OverloadedError)]
    assert refused
    assert store.count() == 5 * (5 - len(refused))
    engine.dispose()


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_replay_in_any_batches_counts_each_event_once(data: st.DataObject) -> None:
    engine = open_database("sqlite://")
    store = EventStore(engine)
    sent = data.draw(st.lists(st.lists(st.integers(0, 12), max_size=8), max_size=8))
    model: list[str] = []
    for batch in sent:
        ids = [f"e{number}" for number in batch]
        fresh = [name for name in dict.fromkeys(ids) if name not in model]
        assert store.append(events(*ids)) == AppendCounts(len(fresh), len(ids) - len(fresh))
        model += fresh
    assert [one.event_id for one in store.events_after(0, 1_000)] == model
    engine.dispose()


def test_a_cut_write_ahead_log_keeps_every_earlier_commit(tmp_path: Path) -> None:
    import shutil

    path = tmp_path / "shop.db"
    engine = open_database(f"sqlite:///{path}")
    store = EventStore(engine)
    log = path.with_name("shop.db-wal")
    ends = []
    for number in range(6):
        store.append(events(f"e{number}"))
        ends.append(log.stat().st_size)
    rng = random.Random(5)
    for cut in sorted(rng.sample(range(ends[2], ends[-1]), 12)):
        copy = tmp_path / f"cut{cut}"
        copy.mkdir()
        shutil.copy(path, copy / "shop.db")
        (copy / "shop.db-wal").write_bytes(log.read_bytes()[:cut])
        again = open_database(f"sqlite:///{copy}/shop.db")
        kept = [one.event_id for one in EventStore(again).events_after(0, 100)]
        assert kept == [f"e{number}" for number in range(len(kept))]
        assert len(kept) >= sum(end <= cut for end in ends)
        assert EventStore(again).append(events("new")) == AppendCounts(1, 0)
        again.dispose()
    engine.dispose()


def test_a_full_disk_is_a_store_error_and_passes(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/shop.db")
    store = EventStore(engine)
    store.append(events("before"))
    pages = engine.connect().exec_driver_sql("PRAGMA page_count").scalar_one()
    limit = {"pages": pages}

    @event.listens_for(engine, "begin")
    def bound(connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={limit['pages']}")

    big = events(*(f"e{n}" for n in range(500)), review_text="x" * 500)
    with pytest.raises(StoreError, match="full"):
        store.append(big)
    assert [one.event_id for one in store.events_after(0, 10)] == ["before"]
    limit["pages"] = 1_000_000
    assert store.append(big) == AppendCounts(500, 0)
    engine.dispose()


def test_secrets_of_a_url_are_not_told() -> None:
    with pytest.raises(StoreError) as refused:
        open_database("postgresql+psycopg://me:hunter2@127.0.0.1:1/none")
    assert "hunter2" not in str(refused.value)
    with pytest.raises(ConfigError):
        open_database("nonsense")
