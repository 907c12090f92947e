"""One shopper's list: the scenario and its experiments, then candidates, arrangement, rules, last look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.blend.query import BlendedQuery
from recsys.experiments.assigned import Assigned
from recsys.experiments.interleaving import team_draft
from recsys.filters import Filter
from recsys.merchandising import Ranked, RulePlan, adjusted
from recsys.merchandising.scenario import ScenarioSettings, overridden
from recsys.moderation import scan_condition
from recsys.payloads import ListRequest, RecommendRequest
from serve_app.anchoring import BECAUSE, anchored
from serve_app.constraining import Constraining
from serve_app.draft import Draft
from serve_app.extra_sources import ExtraSources
from serve_app.habit_board import HabitBoard
from serve_app.list_making import arranged, explored, places_of, refused, ruled, shifted
from serve_app.page import Page, name_of
from serve_app.pool_making import CONTEXT, PERSONAL, PoolMaker
from serve_app.popularity_board import PopularityBoard
from serve_app.query_making import QueryMaker


@dataclass(frozen=True)
class Made:
    """A list that is ready but for its answer."""

    draft: Draft
    asked: BlendedQuery
    settings: ScenarioSettings
    """The scenario with what an experiment and the request changed."""
    plan: RulePlan


class ShopperLists:
    """Makes lists of one page."""

    def __init__(
        self, queries: QueryMaker, popularity: PopularityBoard, habits: HabitBoard, max_items: int
    ) -> None:
        self._queries, self._pools = queries, PoolMaker(popularity)
        self._popularity, self._most = popularity, max_items
        self._extras = ExtraSources(habits)
        self._rng = np.random.default_rng()

    async def made(self, request: RecommendRequest, page: Page) -> Made:
        """The list of a request; raises `InputError` for a scenario that is not there."""
        name = name_of(request.scenario)
        assigned = page.assigned(name)
        settings = _settings(page.controls.scenario(name), request, assigned.overrides)
        if assigned.interleaved is None:
            made = await self._list(request, page, settings)
        else:
            made = await self._interleaved(request, page, settings, assigned)
        made.draft.arms = assigned.arms
        made.draft.rule_conflicts += assigned.conflicts
        return made

    async def _interleaved(
        self, request: RecommendRequest, page: Page, settings: ScenarioSettings, assigned: Assigned
    ) -> Made:
        experiment = assigned.interleaved
        assert experiment is not None
        first, second = [
            await self._list(request, page, overridden(settings, arm.overrides)) for arm in experiment.arms
        ]
        by_id = {one.item_id: one for one in [*second.draft.places, *first.draft.places]}
        rankings = [[one.item_id for one in made.draft.places] for made in (first, second)]
        shown, teams = team_draft(rankings[0], rankings[1], first.draft.n, self._rng)
        draft = first.draft
        draft.places = [by_id[item_id] for item_id in shown]
        draft.teams = {item_id: experiment.arms[team].name for item_id, team in teams.items()}
        draft.explored = None
        return first

    async def _list(self, request: RecommendRequest, page: Page, settings: ScenarioSettings) -> Made:
        """One list by one scenario's settings.

        Limits of age and region are looked at last; only where something had to go they are asked for
        inside the search as well, so that catalogs without limits do not pay for them.
        """
        made = await self._tried(request, page, settings, ())
        gone = await refused(made.draft, made.draft.places, page.viewer)
        if not gone:
            return made
        made = await self._tried(request, page, settings, (scan_condition(page.viewer),))
        gone = await refused(made.draft, made.draft.places, page.viewer)
        made.draft.places = [one for one in made.draft.places if one.item_id not in gone]
        return made

    async def _tried(
        self, request: RecommendRequest, page: Page, settings: ScenarioSettings, more: tuple[Any, ...]
    ) -> Made:
        name = name_of(request.scenario)
        plan = page.plan(name, settings)
        where = page.where(request.filter, settings, plan, more)
        draft = new_draft(request, page, min(request.n or settings.n, self._most), where)
        draft.scenario = name
        if not settings.include_seen:
            draft.hidden |= page.profile.seen
        around, profile = _around(request), page.profile
        if BECAUSE in settings.sources:
            profile = await anchored(page.profile, draft, settings, request.item_id)
        own = [draft.anchor] if draft.anchor else []
        draft.hidden |= {*around, *own}
        draft.barred |= {*around, *own}  # no rule pins an item onto its own page, or what is in the cart
        context = [one for one in around if one not in own]  # an interest needs no saying twice
        asked = await self._queries.query(
            profile, draft, context, request.text, settings.include_seen, settings.weights
        )
        await self._fill(request, page, settings, plan, draft, asked)
        return Made(draft, asked, settings, plan)

    async def _fill(
        self,
        request: RecommendRequest,
        page: Page,
        settings: ScenarioSettings,
        plan: RulePlan,
        draft: Draft,
        asked: BlendedQuery,
    ) -> None:
        explores = settings.explore.share > 0.0 and self._rng.random() < settings.explore.share
        size = settings.lists.pool_size(draft.n) + (settings.explore.candidates if explores else 0)
        if page.view.relations and settings.constraints:
            size = max(size, 3 * draft.n, 30)
        if plan.adjustments:  # what is lowered needs somebody to take its place
            size = max(size, 5 * draft.n, 50)
        ranked: list[Ranked] = []
        if (source := _source(request, page, settings, draft)) is not None:
            ranked = await self._pools.personal(draft, asked, plan, size, source)
        if not plan.is_empty:
            ranked = adjusted(plan, await self._pools.matched(draft.view, plan, ranked))
        ranked = await arranged(draft, settings, ranked, page.profile, page.now_us)
        constraints = Constraining(draft, settings, page, request.item_id, _around(request))
        ranked = constraints.kept(ranked, draft.n)
        if len(ranked) < draft.n:
            ranked = await self._from_ladder(request, page, settings, plan, draft, ranked)
        ranked = await self._extras.placed(constraints, asked, ranked)
        ranked = constraints.kept(ranked, draft.n)
        scores = {one.item_id: one.score for one in ranked}
        shown = ruled(draft, plan, ranked, draft.n, await self._pools.pinned(draft, plan, scores))
        if explores and shown:
            shown = await explored(
                draft, settings, shown, ranked[draft.n :], self._popularity.statistics, self._rng
            )
        draft.explored = shifted(draft.explored, shown)
        draft.places = places_of(shown)
        constraints.note()

    async def _from_ladder(
        self,
        request: RecommendRequest,
        page: Page,
        settings: ScenarioSettings,
        plan: RulePlan,
        draft: Draft,
        ranked: list[Ranked],
    ) -> list[Ranked]:
        draft.hidden |= {one.item_id for one in ranked}
        known = [*page.profile.seen, *([request.item_id] if request.item_id else [])]
        fields = await draft.view.items(known)
        categories = {row["category"] for row in fields.values() if row.get("category")}
        categories |= {request.category} if request.category else set()
        found = await self._pools.ladder(draft, settings, plan, categories, draft.n - len(ranked))
        if found:
            draft.degraded.add("fallback")
        return [*ranked, *found]


def new_draft(request: ListRequest, page: Page, n: int, where: Filter | None) -> Draft:
    """An empty list of a request."""
    barred = frozenset(request.exclude) | page.controls.hidden
    draft = Draft(page.view, n, where, set(barred), barred)
    draft.unit, draft.degraded = page.unit, set(page.degraded)
    return draft


def _settings(
    base: ScenarioSettings, request: RecommendRequest, overrides: Mapping[str, Any]
) -> ScenarioSettings:
    """A scenario with what an experiment and then the request change about it."""
    asked = dict(overrides)
    if request.diversity is not None and request.diversity != base.lists.diversity:
        asked["lists.diversity"] = request.diversity
    if request.include_seen is not None and request.include_seen != base.include_seen:
        asked["include_seen"] = request.include_seen
    if request.explore is not None:
        asked["explore.share"] = float(request.explore)
    return overridden(base, asked) if asked else base


def _around(request: RecommendRequest) -> list[str]:
    """What the list is made around: the item looked at and the cart."""
    return [*([request.item_id] if request.item_id else []), *request.cart]


def _source(request: RecommendRequest, page: Page, settings: ScenarioSettings, draft: Draft) -> str | None:
    """What the answer calls the candidates of the query; None where the scenario wants none of them."""
    if draft.anchor:
        return BECAUSE
    if BECAUSE in settings.sources:  # popularity, which a query may have as well, is no reason to be here
        return CONTEXT if _around(request) or request.text else None
    if PERSONAL not in settings.sources:
        return None
    return PERSONAL if page.profile.interests else CONTEXT
