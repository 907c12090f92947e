"""Popular items kept beside the shards, so that a list can be shown while no shard answers."""

from __future__ import annotations

import asyncio
import logging

import numpy as np

from cluster.item_store import ItemStore
from recsys.config import Metric
from recsys.retrieval import ShardIndex
from serve_app.popularity_board import PopularityBoard
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)
SHELF_ITEMS = 300
PERIOD_S = 30.0


class FallbackShelf:
    """A small shard in this process that is asked for what a shard that is down would have said.

    It knows fields and whether an item may be shown, so that filters, limits and titles hold as ever; it
    has no vectors and answers no search.
    """

    def __init__(self, store: ItemStore, popularity: PopularityBoard) -> None:
        self._store, self._popularity = store, popularity
        self.shard: ShardIndex | None = None
        """The items as they were at the last look; None before anything was popular."""

    async def refresh(self) -> None:
        """Take the most popular items as the catalog has them now."""
        ids = [item_id for item_id, _ in self._popularity.top[:SHELF_ITEMS]]
        self.shard = await asyncio.to_thread(self._read, ids) if ids else None

    async def run(self) -> None:
        """Refresh for ever; one failed look does not end it."""
        await refresh_for_ever(self.refresh, PERIOD_S, log, "the fallback shelf was not refreshed")

    def _read(self, item_ids: list[str]) -> ShardIndex:
        items = self._store.get(item_ids).sort_by("item_id")
        vectors = np.ones((items.num_rows, 1), np.float32)
        return ShardIndex.from_items(items, vectors, Metric.INNER_PRODUCT, {})
