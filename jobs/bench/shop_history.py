"""What shoppers did in the shop at scale, and what a fit would have learned from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from recsys.blend.fitted import Fitted
from recsys.blend.links import ModelLinks
from recsys.blend.settings import Blend, FittedBlend, SignalSettings
from recsys.blend.signals import Signals
from recsys.blend.whitening import Whitening
from recsys.config import FitConfig
from recsys.schemas import EVENTS

ACTS = ("view", "view", "view", "view", "add_to_cart", "add_to_cart", "purchase", "rating")
EVENTS_PER_USER = 30
SEEDS_PER_USER = 3
"""Items around which a shopper's events lie; each brings a third of them."""
DAYS = 60
NEIGHBOURS = 50
FOLLOWERS = 10
BLEND = FittedBlend(
    settings=SignalSettings(whitening="whitened", behaviour_half_life_days=30.0),
    discover=Blend(text=0.7, behaviour=2.0, transition=0.3, popularity=0.1),
    again=Blend(text=0.5, behaviour=1.0, transition=0.2, repeat=0.8, own=-0.3, popularity=0.05),
)
"""Every signal has a factor, so that a request pays for all of them."""


@dataclass(frozen=True, eq=False)
class Used:
    """The items that shoppers act on, at most as many as a fit models."""

    item_ids: tuple[str, ...]
    """`M` ids, ascending."""
    vectors: np.ndarray
    """`[M, D] float32` unit rows."""
    near: np.ndarray
    """`[M, K] int64`: places of each item's nearest others, `K` up to `NEIGHBOURS`."""
    cosines: np.ndarray
    """`[M, K] float32` to them."""


def used_items(rng: np.random.Generator, item_ids: Sequence[str], vectors: np.ndarray) -> Used:
    """A random choice of the items with their nearest neighbours among themselves; needs two items."""
    size = min(len(item_ids), FitConfig().max_direct_items)
    chosen = np.sort(rng.choice(len(item_ids), size, replace=False))
    own = vectors[chosen]
    near = np.empty((size, min(NEIGHBOURS, size - 1)), np.int64)
    cosines = np.empty(near.shape, np.float32)
    for start in range(0, size, 1_000):
        scores = own[start : start + 1_000] @ own.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -2.0
        near[start : start + 1_000] = np.argpartition(-scores, near.shape[1] - 1, axis=1)[:, : near.shape[1]]
        cosines[start : start + 1_000] = np.take_along_axis(scores, near[start : start + 1_000], 1)
    return Used(tuple(item_ids[place] for place in chosen.tolist()), own, near, cosines)


def user_id(number: int) -> str:
    """Name of a shopper."""
    return f"shopper-{number:06d}"


def make_history(rng: np.random.Generator, used: Used, num_users: int, now: datetime) -> pa.Table:
    """`EVENTS_PER_USER` events (`EVENTS`) of each shopper, in the order of their times."""
    total = num_users * EVENTS_PER_USER
    seeds = _by_popularity(rng, len(used.item_ids), num_users * SEEDS_PER_USER)
    seeds = np.repeat(seeds, EVENTS_PER_USER // SEEDS_PER_USER)
    items = used.near[seeds, rng.integers(used.near.shape[1], size=total)]
    acts = [ACTS[number] for number in rng.integers(len(ACTS), size=total).tolist()]
    seconds = np.sort(rng.random(total)) * DAYS * 86_400.0
    users = rng.permutation(np.repeat(np.arange(num_users), EVENTS_PER_USER))
    # A shopper's own items, in whatever order the shopper's events come.
    items = items[_places_of(users)]
    times = [now - timedelta(seconds=DAYS * 86_400.0 - second) for second in seconds.tolist()]
    stars = rng.integers(3, 6, size=total).astype(float).tolist()
    nothing = pa.nulls(total)
    columns = {
        "event_id": pa.array([f"past-{number:08d}" for number in range(total)]),
        "user_id": pa.array([user_id(user) for user in users.tolist()]),
        "item_id": pa.array([used.item_ids[place] for place in items.tolist()]),
        "event_type": pa.array(acts),
        "value": pa.array([star if act == "rating" else None for act, star in zip(acts, stars, strict=True)]),
        "occurred_at": pa.array(times, EVENTS.field("occurred_at").type),
        "received_at": pa.array(times, EVENTS.field("received_at").type),
    }
    return pa.Table.from_arrays(
        [columns.get(name, nothing).cast(EVENTS.field(name).type) for name in EVENTS.names], schema=EVENTS
    )


def fit_like(rng: np.random.Generator, used: Used, vectors: np.ndarray, now: datetime) -> Fitted:
    """What a fit leaves behind, with neighbours by cosine instead of by behaviour.

    Sizes are those of a real fit of at most `NEIGHBOURS` neighbours; the values have no meaning.
    """
    size = len(used.item_ids)
    signals = Signals(
        settings=BLEND.settings,
        vectors=used.vectors,
        behaviour=_neighbours(used, NEIGHBOURS),
        transition=_neighbours(used, FOLLOWERS),
        repeat=np.asarray(rng.random(size), np.float32),
        popularity=np.asarray(rng.standard_normal(size), np.float32),
    )
    whitening = Whitening.fit(vectors, BLEND.settings.whitening)
    return Fitted(BLEND, ModelLinks.of(used.item_ids, signals), whitening, now.astimezone(UTC))


def _by_popularity(rng: np.random.Generator, num_items: int, size: int) -> np.ndarray:
    weight = 1.0 / (1.0 + rng.permutation(num_items)) ** 0.7
    return rng.choice(num_items, size, p=weight / weight.sum())


def _places_of(users: np.ndarray) -> np.ndarray:
    """For events in order of time, the place of each in a list that is grouped by shopper."""
    places = np.empty(len(users), np.int64)
    places[np.argsort(users, kind="stable")] = np.arange(len(users))
    return places


def _neighbours(used: Used, limit: int) -> sp.csr_matrix:
    """`[M, M]`: row speaks for column; each column has its nearest `limit`."""
    size, width = used.near.shape
    kept = np.argsort(-used.cosines, axis=1, kind="stable")[:, : min(limit, width)]
    sources, values = (np.take_along_axis(part, kept, 1) for part in (used.near, used.cosines))
    targets = np.repeat(np.arange(size), kept.shape[1])
    data = (values.ravel() / np.float32(limit), (sources.ravel(), targets))
    return sp.csr_matrix(data, shape=(size, size), dtype=np.float32)
