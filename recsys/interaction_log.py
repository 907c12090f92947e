"""All users' events as arrays: what evaluation, behaviour models and training read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

DAY_US = 86_400_000_000
HALF_LIVES_DAYS = (1.0, 7.0, 30.0, 90.0, 365.0)
"""Half-lives that a user's own frequencies are known for."""


@dataclass(frozen=True, eq=False)
class InteractionLog:
    """`E` events of `U` users on `N` items, ordered by user, then time, then place in the event log.

    Items are the catalog's, ascending by id, also those without an event. Events of items that the
    catalog does not have are left out and counted in `unknown_items`.
    """

    user_keys: tuple[str, ...]
    """`U` keys, ascending."""
    item_ids: tuple[str, ...]
    """`N` ids, ascending."""
    users: np.ndarray
    """`[E] int32`, ascending: place in `user_keys`."""
    items: np.ndarray
    """`[E] int32`: place in `item_ids`."""
    weights: np.ndarray
    """`[E] float32`: signed, undecayed event weight (`recsys.behavior.event_weight`)."""
    occurred_at_us: np.ndarray
    """`[E] int64`, microseconds since 1970 UTC."""
    unknown_items: int = 0
    """Events left out because the catalog lacks their item."""

    def __len__(self) -> int:
        """Number of events."""
        return len(self.users)

    @property
    def num_users(self) -> int:
        """Number U of users."""
        return len(self.user_keys)

    @property
    def num_items(self) -> int:
        """Number N of items."""
        return len(self.item_ids)

    @cached_property
    def offsets(self) -> np.ndarray:
        """`[U + 1] int64`: user `u`'s events are rows `offsets[u]` to `offsets[u + 1]`."""
        return np.searchsorted(self.users, np.arange(self.num_users + 1)).astype(np.int64)

    def rows_of(self, user: int) -> slice:
        """Rows of one user, oldest first."""
        return slice(int(self.offsets[user]), int(self.offsets[user + 1]))

    def select(self, rows: np.ndarray) -> InteractionLog:
        """The log with only some rows (`[E] bool` or ascending numbers); users and items stay."""
        return replace(
            self,
            users=self.users[rows],
            items=self.items[rows],
            weights=self.weights[rows],
            occurred_at_us=self.occurred_at_us[rows],
        )

    @classmethod
    def build(
        cls,
        item_ids: Sequence[str],
        user_keys: Sequence[str],
        event_items: Sequence[str],
        weights: np.ndarray,
        occurred_at_us: np.ndarray,
    ) -> InteractionLog:
        """A log from parallel columns in the order of the event log; ids need no order."""
        catalog = tuple(sorted(item_ids))
        place = {item_id: number for number, item_id in enumerate(catalog)}
        items = np.array([place.get(item_id, -1) for item_id in event_items], np.int64)
        known = np.flatnonzero(items >= 0)
        keys = tuple(sorted({user_keys[row] for row in known.tolist()}))
        user_place = {key: number for number, key in enumerate(keys)}
        users = np.array([user_place[user_keys[row]] for row in known.tolist()], np.int64)
        order = np.lexsort((known, np.asarray(occurred_at_us, np.int64)[known], users))
        rows = known[order]
        return cls(
            keys,
            catalog,
            users[order].astype(np.int32),
            items[rows].astype(np.int32),
            np.asarray(weights, np.float32)[rows],
            np.asarray(occurred_at_us, np.int64)[rows],
            len(items) - len(known),
        )
