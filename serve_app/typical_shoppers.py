"""Shoppers with histories whom the store page offers to look through the eyes of."""

from __future__ import annotations

import asyncio
import time

from cluster.event_store import EventStore
from recsys.explain import category_leaf
from recsys.payloads import ShopperBody
from recsys.privacy.names import PLAIN, Names
from recsys.profile import UserProfile
from serve_app.index_watch import IndexWatch
from serve_app.profiles import ProfileReader
from serve_app.screening_board import ScreeningBoard

SHOPPERS = 20
INTERESTS = 3
CHOICE_AGE_S = 60.0
"""Choosing counts the events of everybody; their profiles are read each time."""


class TypicalShoppers:
    """Users with middling histories and what they care for; machines and erased people are not among them."""

    def __init__(
        self,
        events: EventStore,
        profiles: ProfileReader,
        watch: IndexWatch,
        screened: ScreeningBoard,
        names: Names = PLAIN,
    ) -> None:
        self._events, self._profiles, self._names = events, profiles, names
        self._watch, self._screened = watch, screened
        self._lock = asyncio.Lock()
        self._keys: list[str] = []
        self._chosen_at: float | None = None

    async def shoppers(self) -> list[ShopperBody]:
        """At most `SHOPPERS`; none in a shop without events, or in one that keeps nobody's own id."""
        if self._names.withholds:
            return []
        now_us = time.time_ns() // 1_000
        keys = [key for key in await self._choice() if key not in self._screened.left_out]
        profiles = await asyncio.gather(*(self._profiles.profile(key, now_us) for key in keys))
        return [
            ShopperBody(user_id=key.removeprefix("user:"), interests=await self._interests(profile))
            for key, profile in zip(keys, profiles, strict=True)
            if profile.num_events > 0
        ]

    async def _choice(self) -> list[str]:
        async with self._lock:
            now = time.monotonic()
            if self._chosen_at is None or now - self._chosen_at >= CHOICE_AGE_S:
                self._keys = await asyncio.to_thread(self._events.typical_users, SHOPPERS)
                self._chosen_at = now
            return self._keys

    async def _interests(self, profile: UserProfile) -> list[str]:
        weights = {one.item_id: one.weight for one in profile.interests if one.weight > 0.0}
        sums: dict[str, float] = {}
        for item_id, fields in (await self._watch.view.items(list(weights))).items():
            if name := category_leaf(fields.get("category")):
                sums[name] = sums.get(name, 0.0) + weights[item_id]
        return sorted(sums, key=lambda name: (-sums[name], name))[:INTERESTS]
