"""Catalog changes newer than the index version: searched beside it, deletions hidden at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from cluster.item_store import ItemStore
from recsys.blend.whitening import Whitening
from recsys.config import Metric
from recsys.filters import Filter
from recsys.retrieval import Candidates, Details, ItemLinks, Query, ShardIndex
from recsys.schemas import ITEMS
from recsys.text import item_texts
from serve_app.lent_links import Lender, OwnLinks

CHANGES_PER_READ = 1_000


class TextEncoderClient(Protocol):
    """Whoever turns texts into unit embeddings."""

    async def encode(self, texts: Sequence[str]) -> np.ndarray:
        """`[N, D] float32`, unit rows, in the given order."""


@dataclass(frozen=True)
class LiveItems:
    """One immutable state of the live segment."""

    catalog_seq: int
    items: pa.Table
    embeddings: np.ndarray
    changed: frozenset[str]
    """Every id changed or deleted since the index version: the base shards must not answer it."""
    shard: ShardIndex | None = None
    complete: bool = True
    """False while more changes wait than the segment may hold."""

    @property
    def num_items(self) -> int:
        """Items searched beside the index."""
        return int(self.items.num_rows)

    @property
    def num_removed(self) -> int:
        """Items deleted since the version."""
        return len(self.changed) - self.num_items

    def search(
        self, query: Query, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates | None:
        """The best `k` live items, or None when there are none at all."""
        if self.shard is None:
            return None
        return self.shard.search([query], k, exclude=[exclude], filter=where)[0]

    def newest(self, k: int, exclude: frozenset[str], where: Filter | None) -> Candidates | None:
        """The newest live items."""
        return None if self.shard is None else self.shard.newest(k, exclude=exclude, filter=where)

    def vectors(self, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings of live items."""
        return self.shard.vectors(item_ids) if self.shard else {}

    def details(self, listed: Sequence[str], named: Sequence[str], sources: Collection[str]) -> Details:
        """What an answer says about live items."""
        return self.shard.details(listed, named, sources) if self.shard else Details()

    def fields(self, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields of live items."""
        return self.shard.items(item_ids) if self.shard else {}

    def matches(self, item_ids: Sequence[str], where: Filter | None) -> set[str]:
        """Live items that are available and pass."""
        return self.shard.matches(item_ids, where) if self.shard else set()


@dataclass
class LiveSegment:
    """Follows the item store from an index version's `catalog_seq` on.

    `refresh` is called on a period and after every write through this process. New states
    replace old ones whole, so that a request sees one of them from its start to its end.
    """

    store: ItemStore
    encoder: TextEncoderClient
    metric: Metric
    dim: int
    catalog_seq: int
    max_items: int
    whitening: Whitening
    base_links: Callable[[Sequence[str]], Awaitable[ItemLinks]]
    """Links of the version: an item whose price changed keeps what shoppers' behaviour said of it."""
    base_vectors: Callable[[Sequence[str]], Awaitable[Mapping[str, np.ndarray]]]
    """Vectors of the version: an item whose price changed keeps the picture it is known by."""
    lend: Lender
    """Links for an item that the version does not have."""
    on_change: Callable[[LiveItems], None] = lambda state: None
    state: LiveItems = field(init=False)
    _lent: dict[str, OwnLinks] = field(default_factory=dict, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    def __post_init__(self) -> None:
        self.state = LiveItems(
            self.catalog_seq, ITEMS.empty_table(), np.empty((0, self.dim), np.float32), frozenset()
        )

    async def refresh(self) -> LiveItems:
        """Take in every change there is, up to `max_items`; the state afterwards."""
        async with self._lock:
            while len(self.state.changed) < self.max_items:
                changes = await asyncio.to_thread(
                    self.store.changes_since, self.state.catalog_seq, CHANGES_PER_READ
                )
                if changes.catalog_seq == self.state.catalog_seq:
                    break
                await self._apply(changes.items, changes.deleted, changes.catalog_seq)
                if not changes.more:
                    break
            return await self._mark_completeness()

    async def _apply(self, items: pa.Table, deleted: Sequence[str], catalog_seq: int) -> None:
        changed = frozenset(items.column("item_id").to_pylist()) | frozenset(deleted)
        kept = [
            i for i, name in enumerate(self.state.items.column("item_id").to_pylist()) if name not in changed
        ]
        embeddings = np.concatenate([self.state.embeddings[kept], await self._embed(items)])
        table = pa.concat_tables([self.state.items.take(pa.array(kept, pa.int64())), items])
        links = await self._links(table, embeddings, len(kept))
        shard = await asyncio.to_thread(ShardIndex.from_items, table, embeddings, self.metric, links)
        self._replace(LiveItems(catalog_seq, table, embeddings, self.state.changed | changed, shard))

    async def _links(self, table: pa.Table, embeddings: np.ndarray, num_kept: int) -> dict[str, Any]:
        """The version's links, lent ones for items without any; `num_kept` rows were here before."""
        ids = table.column("item_id").to_pylist()
        links = dict(await self.base_links(ids))
        for row, item_id in enumerate(ids):
            if links.get(item_id):
                continue
            if row >= num_kept or item_id not in self._lent:
                self._lent[item_id] = await self.lend(embeddings[row])
            links[item_id] = self._lent[item_id]
        return links

    async def _embed(self, items: pa.Table) -> np.ndarray:
        if items.num_rows == 0:
            return np.empty((0, self.dim), np.float32)
        encoded = await self.encoder.encode(item_texts(items).column("text").to_pylist())
        vectors = self.whitening.apply(encoded)
        if self.whitening.padding:
            known = await self.base_vectors(items.column("item_id").to_pylist())
            for row, item_id in enumerate(items.column("item_id").to_pylist()):
                if item_id in known:
                    vectors[row] = self.whitening.with_channels_of(vectors[row], known[item_id])
        return vectors

    async def _mark_completeness(self) -> LiveItems:
        if len(self.state.changed) < self.max_items:
            return self.state
        last = await asyncio.to_thread(self.store.last_seq)
        state = self.state
        self._replace(
            LiveItems(
                state.catalog_seq,
                state.items,
                state.embeddings,
                state.changed,
                state.shard,
                complete=state.catalog_seq >= last,
            )
        )
        return self.state

    def _replace(self, state: LiveItems) -> None:
        self.state = state
        self.on_change(state)
