"""Events that name a list: what attribution reads."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from cluster.event_store import EventStore
from recsys.history import Response
from tests.ray.stores.test_event_store import WHEN, events

WHEN_US = int(WHEN.timestamp()) * 1_000_000 + WHEN.microsecond


def test_only_events_that_name_a_list_count_and_only_from_a_time_on(engine: Engine) -> None:
    store = EventStore(engine)
    store.append(events("organic"))
    store.append(events("early", recommendation_id="r0", occurred_at=WHEN - timedelta(hours=1)))
    store.append(events("a", "b", "c", recommendation_id="r1", event_type="purchase", value=2.0))
    found = [one for batch in store.responses(WHEN_US, batch=2) for one in batch]
    assert [one.event_id for one in found] == ["a", "b", "c"]
    assert found[0] == Response("a", "user:u", "i", "purchase", 2.0, "r1", WHEN_US)
    assert next(one.event_id for batch in store.responses() for one in batch) == "early"
