"""The event store read into an `InteractionLog`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from recsys.behavior import event_weight
from recsys.config import EventWeights
from recsys.interaction_log import InteractionLog


def read_interactions(
    event_store: EventStore,
    item_ids: Sequence[str],
    weights: EventWeights,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> InteractionLog:
    """Every event on the given items with its undecayed weight; memory is a few numbers an event."""
    users: list[str] = []
    items: list[str] = []
    values: list[float] = []
    times: list[int] = []
    last = event_store.last_seq()
    for events in event_store.scan(last):
        users += [event.user_key for event in events]
        items += [event.item_id for event in events]
        values += [event_weight(event, weights) for event in events]
        times += [event.occurred_at_us for event in events]
        on_progress(events[-1].seq, last)
    return InteractionLog.build(
        item_ids, users, items, np.array(values, np.float32), np.array(times, np.int64)
    )


def catalog_ids(item_store: ItemStore) -> list[str]:
    """Ids of every item in the catalog, ascending."""
    return [item_id for items in item_store.scan() for item_id in items.column("item_id").to_pylist()]
