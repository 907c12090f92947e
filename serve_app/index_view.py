"""One pinned index version together with the live changes beside it: what one request sees."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.blend.whitening import Whitening
from recsys.filters import Filter
from recsys.index import IndexManifest
from recsys.retrieval import Candidates, Details, Query, merge_top_k
from serve_app.live_segment import LiveItems
from serve_app.retriever import Coverage, Retrieved, Retriever


@dataclass(frozen=True)
class IndexView:
    """Search and look-ups over base shards and live items; changed items answer from live only."""

    manifest: IndexManifest
    retriever: Retriever
    live: LiveItems
    whitening: Whitening

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
        return found | self.live.details(listed, named, sources)

    async def items(self, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields by id; unknown and deleted items are absent."""
        base = self._unchanged(item_ids)
        found = await self.retriever.items(base) if base else {}
        return found | self.live.fields(item_ids)

    async def matches(self, item_ids: Sequence[str], where: Filter | None) -> set[str]:
        """The ids that exist, are available and pass."""
        base = self._unchanged(item_ids)
        found = await self.retriever.matches(base, where) if base else set()
        return found | self.live.matches(item_ids, where)

    async def unreachable(self, item_id: str) -> str:
        """Why nothing can be said of an item now, as a label; empty when its absence is a fact."""
        return "" if item_id in self.live.changed else await self.retriever.unreachable(item_id)

    def coverage_now(self) -> Coverage:
        """Coverage of what was not searched for: by the shards that answered when last asked."""
        return self.retriever.coverage_now(self.live.num_items)

    def _unchanged(self, item_ids: Sequence[str]) -> list[str]:
        return [item_id for item_id in item_ids if item_id not in self.live.changed]

    def _with_live(self, base: Retrieved, live: Candidates | None, k: int) -> Retrieved:
        parts = [base.candidates] if live is None else [base.candidates, live]
        coverage = Coverage(
            base.coverage.shards_ok,
            base.coverage.shards_total,
            base.coverage.items_ok + self.live.num_items,
            base.coverage.items_total + self.live.num_items,
        )
        degraded = base.degraded if self.live.complete else base.degraded | {"stale_index"}
        return Retrieved(merge_top_k(parts, k), coverage, degraded)
