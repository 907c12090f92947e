"""The shoppers of a simulated shop and what they truly like, part of which no text tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pyarrow as pa

from recsys.shop import make_shop

GROUPS = 8
"""Hidden groups of items, drawn without regard to their texts."""
HIDDEN_SHARE = 0.6
"""How much of a liking the hidden groups decide."""


@dataclass(frozen=True, eq=False)
class Population:
    """`U` shoppers over `N` items."""

    items: pa.Table
    """`ITEMS`; all that a recommender gets."""
    user_ids: tuple[str, ...]
    liking: np.ndarray
    """`[U, N] float64` in [0, 1]: true liking."""
    popularity: np.ndarray
    """`[N] float64`: chance of meeting each item outside of any list; sums to 1."""

    @property
    def item_ids(self) -> list[str]:
        """Ids in the order of the columns of `liking`."""
        return list(self.place)

    @cached_property
    def place(self) -> dict[str, int]:
        """Column of each item."""
        return {item_id: column for column, item_id in enumerate(self.items.column("item_id").to_pylist())}

    def columns(self, item_ids: Sequence[str]) -> np.ndarray:
        """Columns of some items; -1 for one that the shop does not have."""
        return np.array([self.place.get(item_id, -1) for item_id in item_ids], np.int64)

    def likings(self, user: int, item_ids: Sequence[str]) -> np.ndarray:
        """True liking of some items, 0 for unknown ones."""
        columns = self.columns(item_ids)
        return np.where(columns >= 0, self.liking[user, np.maximum(columns, 0)], 0.0)


def make_population(seed: int, num_items: int, num_shoppers: int, now: datetime) -> Population:
    """The built-in shop's items and shoppers, with hidden groups beside their interests.

    A shopper likes one or two of `GROUPS` groups of items; what the texts say of an item decides the
    other part of the liking. Raises `ConfigError` for a shop that is too small.
    """
    shop = make_shop(seed, num_items, num_shoppers, now)
    rng = np.random.default_rng([seed, 20_260])
    visible = np.stack([shop.truth.affinity(user_id) for user_id in shop.truth.shoppers.ids])
    group = rng.integers(GROUPS, size=num_items)
    preferred = rng.dirichlet(np.full(GROUPS, 0.25), size=num_shoppers)
    preferred /= preferred.max(axis=1, keepdims=True)
    hidden = preferred[:, group]
    liking = visible * ((1.0 - HIDDEN_SHARE) + HIDDEN_SHARE * hidden)
    popularity = 1.0 / (1.0 + rng.permutation(num_items)) ** 0.7
    ids = tuple(f"sim-{number:05d}" for number in range(num_shoppers))
    return Population(shop.items, ids, liking, popularity / popularity.sum())
