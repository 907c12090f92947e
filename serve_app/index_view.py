"""One pinned index version together with the live changes beside it: what one request sees."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsys.blend.whitening import Whitening
from recsys.filters import Filter
from recsys.index import IndexManifest
from recsys.relations import NONE, Relations
from recsys.retrieval import Candidates, Details, Query, ShardIndex, merge_top_k
from serve_app.fallback_shelf import FallbackShelf
from serve_app.live_segment import LiveItems
from serve_app.retriever import Coverage, Matched, Retrieved, Retriever


@dataclass(frozen=True)
class IndexView:
    """Search and look-ups over base shards and live items; changed items answer from live only."""

    manifest: IndexManifest
    retriever: Retriever
    live: LiveItems
    whitening: Whitening
    shelf: FallbackShelf | None = None
    """What speaks for popular items while their shards do not answer."""
    relations: Relations = NONE
    """What the shop had stated about its items when the version was made."""

    @property
    def in_process(self) -> bool:
        """Whether the shards are in this process."""
        return self.retriever.in_process

    async def search(self, query: Query, k: int, exclude: frozenset[str], where: Filter | None) -> Retrieved:
        """The best `k` items for one query."""
        base = await self.retriever.search(query, k, exclude | self.live.changed, where)
        return self._with_live(base, self.live.search(query, k, exclude, where), k)

    async def newest(self, k: int, exclude: frozenset[str], where: Filter | None) -> Retrieved:
        """The newest `k` items."""
        base = await self.retriever.newest(k, exclude | self.live.changed, where)
        return self._with_live(base, self.live.newest(k, exclude, where), k)

    async def vectors(self, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings by id; unknown and deleted items are absent."""
        base = self._unchanged(item_ids)
        found = await self.retriever.vectors(base) if base else {}
        return found | self.live.vectors(item_ids)

    async def details(self, listed: Sequence[str], named: Sequence[str], sources: Collection[str]) -> Details:
        """What an answer says about its items and about those it names as reasons."""
        base = self._unchanged(listed), self._unchanged(named)
        found = await self.retriever.details(*base, sources) if any(base) else Details()
        if (shelf := self._shelf) is not None:
            asked = [item_id for ids in base for item_id in ids if item_id not in found.fields]
            found |= Details(shelf.items(asked)) if asked else Details()
        return found | self.live.details(listed, named, sources)

    async def items(self, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields by id; unknown and deleted items are absent."""
        base = self._unchanged(item_ids)
        found = await self.retriever.items(base) if base else {}
        if (shelf := self._shelf) is not None and len(found) < len(base):
            found |= shelf.items([item_id for item_id in base if item_id not in found])
        return found | self.live.fields(item_ids)

    async def matches(self, item_ids: Sequence[str], where: Filter | None) -> frozenset[str]:
        """The ids that exist, are available and pass."""
        return (await self.matched(item_ids, where)).item_ids

    async def matched(self, item_ids: Sequence[str], where: Filter | None) -> Matched:
        """The ids that exist, are available and pass, with the account of who answered."""
        base = await self.retriever.matched(self._unchanged(item_ids), where)
        found = base.item_ids | self.live.matches(item_ids, where)
        if (shelf := self._shelf) is not None and base.unanswered:
            found |= shelf.matches(base.unanswered, where)
        return replace(base, item_ids=found, coverage=self._coverage(base.coverage))

    async def vector_of(self, item_id: str) -> tuple[np.ndarray | None, str]:
        """The embedding of one item, None where there is none; a label where that is not known now."""
        if item_id in self.live.changed:
            return self.live.vectors([item_id]).get(item_id), ""
        return await self.retriever.vector_of(item_id)

    def coverage_now(self) -> Coverage:
        """Coverage of what was not searched for: by the shards that answered when last asked."""
        return self.retriever.coverage_now(self.live.num_items)

    @property
    def _shelf(self) -> ShardIndex | None:
        return self.shelf.shard if self.shelf else None

    def _unchanged(self, item_ids: Sequence[str]) -> list[str]:
        return [item_id for item_id in item_ids if item_id not in self.live.changed]

    def _with_live(self, base: Retrieved, live: Candidates | None, k: int) -> Retrieved:
        parts = [base.candidates] if live is None else [base.candidates, live]
        degraded = base.degraded if self.live.complete else base.degraded | {"stale_index"}
        return Retrieved(merge_top_k(parts, k), self._coverage(base.coverage), degraded)

    def _coverage(self, base: Coverage) -> Coverage:
        """That of the base with the live items, which always answer."""
        more = self.live.num_items
        return replace(base, items_ok=base.items_ok + more, items_total=base.items_total + more)
