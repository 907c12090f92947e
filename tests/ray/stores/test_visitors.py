"""A visitor who signs in: what was done before belongs to the account, once and to nobody else."""

from __future__ import annotations

import random
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from cluster.event_store import EventStore
from cluster.profile_store import ProfilePartition
from recsys.config import ProfileConfig
from recsys.schemas import EVENTS
from tests.ray.stores.test_event_store import WHEN

NOW_US = int(WHEN.timestamp() * 1e6)


def rows(*events: tuple[str, str | None, str | None, str]) -> pa.Table:
    """`EVENTS` rows of `(event_id, user_id, visitor_id, item_id)`, all views."""
    times = {"occurred_at": WHEN, "received_at": WHEN, "event_type": "view"}
    names = ("event_id", "user_id", "visitor_id", "item_id")
    return pa.Table.from_pylist([dict(zip(names, one, strict=True)) | times for one in events], schema=EVENTS)


def items(store: EventStore, key: str) -> list[str]:
    """Items of a history, oldest first."""
    return [one.item_id for one in store.events_of(key, 100)]


def test_what_a_visitor_did_before_and_after_signing_in_belongs_to_the_account(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(rows(("1", None, "v", "before"), ("2", "u", None, "elsewhere")))
    assert items(store, "user:u") == ["elsewhere"]
    store.append(rows(("3", "u", "v", "signed in"), ("4", None, "v", "after")))
    assert items(store, "user:u") == ["before", "elsewhere", "signed in", "after"]
    assert items(store, "visitor:v") == ["before", "after"]
    assert {one.user_key for batch in store.scan() for one in batch} == {"user:u"}


def test_a_second_account_on_the_same_device_inherits_nothing(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(rows(("1", None, "v", "before"), ("2", "first", "v", "a"), ("3", "second", "v", "b")))
    store.append(rows(("4", "third", "v", "c"), ("5", None, "v", "after")))
    assert items(store, "user:first") == ["before", "a", "after"]
    assert (items(store, "user:second"), items(store, "user:third")) == (["b"], ["c"])


def test_a_cached_profile_equals_one_that_is_read_anew(engine: Engine) -> None:
    store, config, random_ = EventStore(engine), ProfileConfig(), random.Random(4)
    cached = ProfilePartition(store, config)
    keys = ["user:a", "user:b", "visitor:v", "visitor:w"]
    for number in range(60):
        user: Any = random_.choice(["a", "b", None, None])
        visitor: Any = random_.choice(["v", "w"]) if user is None or random_.random() < 0.3 else None
        store.append(rows((f"e{number}", user, visitor, f"i{number}")))
        for key in keys:
            anew = ProfilePartition(store, config).profile(key, NOW_US)
            assert cached.profile(key, NOW_US).seen == anew.seen, (number, key)
