"""What fills a list when taste alone does not: popular in category, popular, newest."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.filters import Filter
from recsys.retrieval import Candidates
from serve_app.index_view import IndexView
from serve_app.retriever import Matched, Retrieved

POPULAR_IN_CATEGORY = "popular_in_category"
POPULAR = "popular"
NEW = "new"
RUNGS = frozenset({POPULAR_IN_CATEGORY, POPULAR, NEW})


@dataclass(frozen=True)
class Rung:
    """Candidates of one source, best first."""

    source: str
    found: Retrieved


@dataclass(frozen=True)
class Ladder:
    """The rungs below the personal one, for one request; each gives only what is still allowed."""

    view: IndexView
    popular: Sequence[tuple[str, float]]
    """`(item_id, recent weight)`, most popular first."""
    categories: frozenset[str]
    """Categories of the items that the shopper acted on or looks at."""
    where: Filter | None
    sources: Sequence[str] = (POPULAR_IN_CATEGORY, POPULAR, NEW)
    """Rungs that count, in this order; others of a scenario's sources are passed over."""

    async def rungs(self, n: int, exclude: frozenset[str]) -> AsyncIterator[Rung]:
        """Rung after rung until `n` items were given or nothing is left."""
        given: set[str] = set()
        for source in (one for one in self.sources if one in RUNGS):
            if len(given) >= n:
                return
            wanted, hidden = n - len(given), exclude | given
            found = await self._rung(source, wanted, hidden)
            given |= set(found.candidates.item_ids)
            yield Rung(source, found)

    async def _rung(self, source: str, wanted: int, hidden: frozenset[str]) -> Retrieved:
        if source == NEW:
            return await self.view.newest(wanted, hidden, self.where)
        allowed = [(item_id, weight) for item_id, weight in self.popular if item_id not in hidden]
        known = await self.view.matched([item_id for item_id, _ in allowed], self.where)
        ranked = [(item_id, weight) for item_id, weight in allowed if item_id in known.item_ids]
        if source == POPULAR_IN_CATEGORY:
            ranked = await self._in_categories(ranked)
        return _retrieved(ranked[:wanted], known)

    async def _in_categories(self, ranked: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
        if not self.categories:
            return []
        fields = await self.view.items([item_id for item_id, _ in ranked])
        return [
            (item_id, weight)
            for item_id, weight in ranked
            if fields.get(item_id, {}).get("category") in self.categories
        ]


def _retrieved(ranked: Sequence[tuple[str, float]], known: Matched) -> Retrieved:
    scores = np.array([weight for _, weight in ranked], np.float32)
    candidates = Candidates(tuple(item_id for item_id, _ in ranked), scores)
    return Retrieved(candidates, known.coverage, known.degraded)
