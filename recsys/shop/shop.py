"""The built-in shop as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from recsys.errors import ConfigError
from recsys.shop.catalog import Catalog, make_catalog
from recsys.shop.events import make_events
from recsys.shop.queries import Query, make_queries
from recsys.shop.shoppers import Shoppers, make_shoppers

RELEVANT = 0.45
"""True liking from which an item counts as one the shopper would be glad to see."""


@dataclass(frozen=True)
class Truth:
    """What nobody who recommends may look at."""

    catalog: Catalog
    shoppers: Shoppers
    noise_share: float
    """Share of the shoppers' steps that had nothing to do with taste."""

    def affinity(self, shopper_id: str) -> np.ndarray:
        """True liking of every item in catalog order, `[N] float64` in [0, 1]."""
        return self.shoppers.affinity(self.shoppers.ids.index(shopper_id), self.catalog)

    def relevant(self, shopper_id: str) -> frozenset[str]:
        """Items the shopper would be glad to see."""
        ids = self.catalog.items.column("item_id").to_pylist()
        liked = self.affinity(shopper_id) >= RELEVANT
        return frozenset(item_id for item_id, yes in zip(ids, liked.tolist(), strict=True) if yes)


@dataclass(frozen=True)
class Shop:
    """A catalog, what happened in it, searches, and the truth behind it."""

    items: pa.Table
    """`ITEMS`."""
    events: pa.Table
    """`EVENTS`, in order of time."""
    queries: tuple[Query, ...]
    truth: Truth


def make_shop(
    seed: int = 7, num_items: int = 2_400, num_shoppers: int = 1_000, now: datetime | None = None
) -> Shop:
    """The shop of a seed; equal arguments give equal tables to the byte.

    `now` is when the newest event may have happened, the present hour when absent. Raises
    `ConfigError` for fewer than 50 items or 1 shopper.
    """
    if num_items < 50 or num_shoppers < 1:
        raise ConfigError(
            "the shop is too small",
            expected="50 items and 1 shopper or more",
            found=f"{num_items} and {num_shoppers}",
        )
    now = now or datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    now = now if now.tzinfo else now.replace(tzinfo=UTC)
    rng = np.random.default_rng(seed)
    catalog = make_catalog(rng, num_items, now)
    shoppers = make_shoppers(rng, num_shoppers)
    events, noise_share = make_events(rng, catalog, shoppers, now)
    return Shop(catalog.items, events, make_queries(catalog), Truth(catalog, shoppers, noise_share))
