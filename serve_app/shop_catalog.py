"""The catalog as a shop's pages read it: single items, several, categories with counts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.item_store import ItemStore
from recsys.errors import NotFoundError
from recsys.identifiers import id_fault
from recsys.payloads import CatalogItem, CatalogPage, CategoryBody

COUNTS_AGE_S = 5.0
"""Counting reads the whole catalog; while it changes all the time, it is read no more often than this."""
SEPARATOR = "/"


class ShopCatalog:
    """Reads from the store, so that a change shows at once in every replica."""

    def __init__(self, items: ItemStore) -> None:
        self._items = items
        self._lock = asyncio.Lock()
        self._categories: list[CategoryBody] = []
        self._seq, self._counted_at = -1, 0.0

    async def item(self, item_id: str) -> CatalogItem:
        """One item; raises `NotFoundError` when the catalog does not have it."""
        if not (found := await self.some([item_id])):
            raise NotFoundError("there is no such item", found=item_id)
        return found[0]

    async def some(self, item_ids: Sequence[str]) -> list[CatalogItem]:
        """Those of the items that exist, in the order asked, each once."""
        wanted = [item_id for item_id in dict.fromkeys(item_ids) if id_fault(item_id) is None]
        table = await asyncio.to_thread(self._items.get, wanted)
        rows = {row["item_id"]: row for row in table.to_pylist()}
        return [_item(rows[item_id]) for item_id in wanted if item_id in rows]

    async def page(self, after: str, limit: int, text: str | None, category: str | None) -> CatalogPage:
        """Items in the order of their ids, unavailable ones too."""
        return await asyncio.to_thread(self._page, after, limit, text, category)

    async def count(self) -> int:
        """Items of the catalog."""
        return await asyncio.to_thread(self._items.count)

    def _page(self, after: str, limit: int, text: str | None, category: str | None) -> CatalogPage:
        rows = self._items.page(after, limit + 1, text, category).to_pylist()
        items = [_item(row) for row in rows[:limit]]
        more = items[-1].item_id if len(rows) > limit else None
        return CatalogPage(items=items, total=self._items.count(), next=more)

    async def categories(self) -> list[CategoryBody]:
        """Every category with its count; at most `COUNTS_AGE_S` old."""
        async with self._lock:
            if time.monotonic() - self._counted_at >= COUNTS_AGE_S or self._seq < 0:
                await self._count()
            return self._categories

    async def _count(self) -> None:
        seq = await asyncio.to_thread(self._items.last_seq)
        if seq != self._seq:
            counts = await asyncio.to_thread(self._items.category_counts)
            self._categories, self._seq = category_tree(counts), seq
        self._counted_at = time.monotonic()


def _item(row: dict[str, Any]) -> CatalogItem:
    return CatalogItem.model_validate(row | {"attributes": dict(row["attributes"] or ())})


def category_tree(counts: Mapping[str, int]) -> list[CategoryBody]:
    """Categories and all that contain them, in the order of paths, with the items of everything inside.

    `counts` are items by the path they stand in. Empty parts of a path (`A//B`) belong to it as they are.
    """
    sums: dict[str, int] = {}
    for path, count in counts.items():
        parts = path.split(SEPARATOR)
        for depth in range(1, len(parts) + 1):
            inside = SEPARATOR.join(parts[:depth])
            sums[inside] = sums.get(inside, 0) + count
    return [_body(path, sums[path]) for path in sorted(sums, key=lambda path: path.split(SEPARATOR)) if path]


def _body(path: str, count: int) -> CategoryBody:
    parent, _, name = path.rpartition(SEPARATOR)
    return CategoryBody(category=path, name=name, parent=parent or None, items=count)
