"""The event store read into an `InteractionLog`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from recsys.behavior import event_weight, taken_back
from recsys.config import EventWeights
from recsys.interaction_log import InteractionLog


def read_interactions(
    event_store: EventStore,
    item_ids: Sequence[str],
    weights: EventWeights,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    left_out: Collection[str] = (),
) -> InteractionLog:
    """Every event on the given items with its undecayed weight; memory is a few numbers an event.

    But for those of the users `left_out`.

    As in a profile, what was put into a cart and taken out again is left out, and so is an impression,
    which is neither a taste nor something the user has seen to.
    """
    users: list[str] = []
    items: list[str] = []
    values: list[float] = []
    times: list[int] = []
    carts: dict[tuple[str, str], list[tuple[int, int, str]]] = {}
    last = event_store.last_seq()
    for events in event_store.scan(last):
        for event in events:
            if event.event_type == "impression" or event.user_key in left_out:
                continue
            if event.event_type in ("add_to_cart", "remove_from_cart"):
                cart = carts.setdefault((event.user_key, event.item_id), [])
                cart.append((event.occurred_at_us, len(users), event.event_type))
            users.append(event.user_key)
            items.append(event.item_id)
            values.append(event_weight(event, weights))
            times.append(event.occurred_at_us)
        on_progress(events[-1].seq, last)
    gone = _taken_back(carts)
    kept = [row for row in range(len(users)) if row not in gone] if gone else range(len(users))
    return InteractionLog.build(
        item_ids,
        [users[row] for row in kept],
        [items[row] for row in kept],
        np.array([values[row] for row in kept], np.float32),
        np.array([times[row] for row in kept], np.int64),
    )


def _taken_back(carts: dict[tuple[str, str], list[tuple[int, int, str]]]) -> set[int]:
    """Rows of cart events that cancel each other, from `(time, row, type)` by user and item."""
    gone: set[int] = set()
    for cart in carts.values():
        cart.sort()
        gone |= {cart[place][1] for place in taken_back([event_type for *_, event_type in cart])}
    return gone


def catalog_ids(item_store: ItemStore) -> list[str]:
    """Ids of every item in the catalog, ascending."""
    return [item_id for items in item_store.scan() for item_id in items.column("item_id").to_pylist()]
