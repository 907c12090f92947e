"""From a query to candidates: the shopper's taste, what rules ask for, then the ladder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import groupby

from recsys.blend.query import BlendedQuery
from recsys.filters import Filter
from recsys.merchandising import Ranked, RulePlan, adjusted
from recsys.merchandising.scenario import ScenarioSettings
from recsys.retrieval import Candidates
from serve_app.draft import Draft
from serve_app.index_view import IndexView
from serve_app.ladder import Ladder
from serve_app.page import joined
from serve_app.popularity_board import PopularityBoard
from serve_app.retriever import Retrieved
from serve_app.stages import timed

PERSONAL, CONTEXT, RULE = "personal", "context", "rule"


class PoolMaker:
    """Collects the candidates of one list."""

    def __init__(self, popularity: PopularityBoard) -> None:
        self._popularity = popularity

    @timed("retrieve")
    async def personal(
        self, draft: Draft, asked: BlendedQuery, plan: RulePlan, size: int, source: str
    ) -> list[Ranked]:
        """Candidates by score, best first, with those that boosts and promotions would lift among them."""
        if asked.query.is_zero:
            return []
        hidden = frozenset(draft.hidden)
        found = await draft.view.search(asked.query, size, hidden, draft.where)
        draft.confess(found)
        ranked = _ranked(found, source, draft.anchor)
        for wanted in _lifted(plan):
            narrowed = joined([*([draft.where.root] if draft.where else []), wanted.root])
            more = await draft.view.search(asked.query, size, hidden, narrowed)
            ranked += _ranked(more, source, draft.anchor)
        return _without_repeats(ranked)

    @timed("ladder")
    async def ladder(
        self,
        draft: Draft,
        settings: ScenarioSettings,
        plan: RulePlan,
        categories: Iterable[str],
        wanted: int,
    ) -> list[Ranked]:
        """What fills a list when taste alone does not, as the rules want it.

        Rungs stay in their order, and their scores are no common scale: a boost or bury moves an item
        inside its rung. What rules lift is looked for by itself, so that a shopper of whom nothing is
        known sees promotions as well.
        """
        known = frozenset(categories)
        size = max(wanted, 5 * draft.n, 50) if plan.adjustments else wanted
        found = await self._climbed(draft, settings, known, draft.where, size)
        for lifted in _lifted(plan):
            narrowed = joined([*([draft.where.root] if draft.where else []), lifted.root])
            found += await self._climbed(draft, settings, known, narrowed, wanted)
        if plan.is_empty:
            return found
        rungs: dict[str, int] = {source: number for number, source in enumerate(settings.sources)}
        once = {one.item_id: one for one in reversed(found)}
        order = sorted(once.values(), key=lambda one: (rungs[one.source], -one.score, one.item_id))
        matched = await self.matched(draft.view, plan, order)
        return [
            one
            for _, rung in groupby(matched, key=lambda one: one.source)
            for one in adjusted(plan, list(rung))
        ]

    async def _climbed(
        self,
        draft: Draft,
        settings: ScenarioSettings,
        categories: frozenset[str],
        where: Filter | None,
        wanted: int,
    ) -> list[Ranked]:
        ladder = Ladder(draft.view, self._popularity.top, categories, where, settings.sources)
        found: list[Ranked] = []
        async for rung in ladder.rungs(wanted, frozenset(draft.hidden)):
            draft.confess(rung.found)
            found += _ranked(rung.found, rung.source)
        return found

    async def matched(self, view: IndexView, plan: RulePlan, ranked: list[Ranked]) -> list[Ranked]:
        """The candidates with the rules whose items they are."""
        ids = [one.item_id for one in ranked]
        named: dict[str, set[str]] = {}
        for rule_id, items in _item_filters(plan):
            for item_id in await view.matches(ids, items):
                named.setdefault(item_id, set()).add(rule_id)
        return [replace(one, matched=frozenset(named.get(one.item_id, ()))) for one in ranked]

    async def pinned(self, draft: Draft, plan: RulePlan, scores: dict[str, float]) -> dict[str, Ranked]:
        """The pinned items that may be shown: also those the shopper has seen, never hidden ones."""
        ids = [pin.item_id for pin in plan.pins]
        allowed = await draft.view.matches(ids, draft.where) if ids else set()
        return {
            item_id: Ranked(item_id, RULE, scores.get(item_id, 0.0))
            for item_id in ids
            if item_id in allowed and item_id not in draft.barred
        }


def _ranked(found: Retrieved, source: str, anchor: str = "") -> list[Ranked]:
    candidates: Candidates = found.candidates
    pairs = zip(candidates.item_ids, candidates.scores.tolist(), strict=True)
    return [Ranked(item_id, source, score, goes_with=anchor) for item_id, score in pairs]


def _without_repeats(ranked: list[Ranked]) -> list[Ranked]:
    """Each item once, by score and then by id."""
    once = {one.item_id: one for one in ranked}
    return sorted(once.values(), key=lambda one: (-one.score, one.item_id))


def _lifted(plan: RulePlan) -> list[Filter]:
    """Items that rules bring up from wherever they stand."""
    boosted = [one.items for one in plan.adjustments if one.factor > 1.0]
    return [*boosted, *(one.items for one in plan.promotions)]


def _item_filters(plan: RulePlan) -> list[tuple[str, Filter]]:
    adjusted = [(one.rule_id, one.items) for one in plan.adjustments]
    return [*adjusted, *((one.rule_id, one.items) for one in plan.promotions)]
