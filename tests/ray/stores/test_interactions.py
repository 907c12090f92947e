"""The log that is learned from says what a profile says."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from cluster.event_store import EventStore
from cluster.interactions import read_interactions
from recsys.blend.histories import histories_of
from recsys.config import ProfileConfig
from recsys.evaluation.splits import seen_items
from recsys.profile import build_profile
from recsys.schemas import EVENTS, conform
from tests.ray.stores.test_event_store import WHEN

EVENTS_OF_U = [
    ("a", "view"), ("b", "impression"), ("c", "add_to_cart"), ("a", "purchase"), ("c", "remove_from_cart"),
    ("d", "remove_from_cart"), ("e", "add_to_cart"), ("e", "add_to_cart"), ("e", "remove_from_cart"),
]  # fmt: skip


def test_a_log_has_the_interests_of_the_profile(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(log_events())
    config = ProfileConfig()
    (key,) = {event.user_key for event in store.events_after(0, 100)}
    profile = build_profile(key, store.events_of(key, 100), 0, config)
    log = read_interactions(store, ["a", "b", "c", "d", "e"], config.weights)
    histories = histories_of(log, np.array([0], np.int32), config)
    found = {
        log.item_ids[item]: strength * config.max_item_weight
        for item, strength in zip(histories.items.tolist(), histories.strengths.tolist(), strict=True)
    }
    expected = {interest.item_id: interest.strength for interest in profile.interests}
    assert found == pytest.approx(expected)
    assert found.keys() == {"a", "d", "e"}
    shown = seen_items(log).toarray()[0]
    assert not shown[log.item_ids.index("b")]  # shown is not seen to
    assert "b" not in profile.seen


def log_events() -> pa.Table:
    size = len(EVENTS_OF_U)
    rows = {
        "event_id": [f"e{place}" for place in range(size)],
        "user_id": ["u"] * size,
        "item_id": [item for item, _ in EVENTS_OF_U],
        "event_type": [event_type for _, event_type in EVENTS_OF_U],
        "occurred_at": [WHEN + timedelta(minutes=place) for place in range(size)],
        "received_at": [WHEN] * size,
    }
    return conform(pa.table(rows), EVENTS)
