"""The online steps of one list: profile -> user vector -> retrieve -> arrange -> rules -> answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from recsys.answer_record import AnswerRecord
from recsys.blend.query import Known
from recsys.config import Scenario, ServeConfig
from recsys.errors import InputError, NotFoundError
from recsys.merchandising import RulePlan
from recsys.merchandising.scenario import DEFAULT, Source, overridden
from recsys.moderation import scan_condition
from recsys.payloads import (
    ListAnswer,
    ListRequest,
    ListsAnswer,
    ListSpec,
    ListsRequest,
    RankRequest,
    RecommendRequest,
    SearchRequest,
    Shopper,
    SimilarRequest,
)
from recsys.privacy.names import PLAIN, Names
from recsys.profile import Context
from recsys.query import Query
from recsys.relations import NONE
from serve_app.answers import answer_of, record_of
from serve_app.controls import ControlWatch
from serve_app.draft import Draft, Place
from serve_app.explanations import Explainer
from serve_app.habit_board import HabitBoard
from serve_app.index_watch import IndexWatch
from serve_app.list_making import refused
from serve_app.live_segment import TextEncoderClient
from serve_app.page import Page, name_of
from serve_app.popularity_board import PopularityBoard
from serve_app.profiles import ProfileReader
from serve_app.query_making import NOBODY, QueryMaker
from serve_app.shopper_lists import Made, ShopperLists, new_draft
from serve_app.stages import Stage


class AnswerTaker(Protocol):
    """Whoever keeps what was answered."""

    def add(self, answer: AnswerRecord) -> None:
        """Take one answer, without making it wait."""


class Recommender:
    """Answers lists over the view and the decisions that are current when a request begins."""

    def __init__(
        self,
        watch: IndexWatch,
        controls: ControlWatch,
        profiles: ProfileReader,
        encoder: TextEncoderClient,
        popularity: PopularityBoard,
        habits: HabitBoard,
        journal: AnswerTaker,
        config: ServeConfig,
        names: Names = PLAIN,
    ) -> None:
        self._names = names
        self._watch, self._controls = watch, controls
        self._queries = QueryMaker(profiles, encoder, config)
        self._lists = ShopperLists(self._queries, popularity, habits, config.max_items_returned)
        self._journal, self._config = journal, config

    async def recommend(self, request: RecommendRequest) -> ListAnswer:
        """The shopper's list: by taste and context, filled up from the ladder."""
        return await self._answered(request, await self._page(request))

    async def of_source(self, request: RecommendRequest, source: Source) -> ListAnswer:
        """One rung of the ladder alone, the same for everybody but for what the shopper has had."""
        page = await self._page(request)
        settings = overridden(page.controls.scenario(None), {"sources": (source,)})
        scenarios = {**page.controls.scenarios, DEFAULT: settings}
        controls = replace(page.controls, scenarios=scenarios, experiments=())
        return await self._answered(request, replace(page, controls=controls))

    async def lists(self, request: ListsRequest) -> ListsAnswer:
        """Several lists of one page over one view; an item is in the first of them that wants it."""
        names = [spec.name for spec in request.lists]
        if len(set(names)) < len(names):
            raise InputError("two lists have one name", expected="a name for each", where="lists.name")
        page, shown, found = await self._page(request), list(request.exclude), {}
        for spec in request.lists:
            asked = {name: getattr(spec, name) for name in ListSpec.model_fields if name != "name"}
            answer = await self._answered(_request(request, asked, exclude=list(shown)), page)
            shown += [item.item_id for item in answer.items]
            found[spec.name] = answer
        return ListsAnswer(lists=found, index_version=page.view.manifest.index_version)

    async def rank(self, request: RankRequest, where: dict[str, Any] | None = None) -> ListAnswer:
        """The caller's items in this shopper's order; those that the catalog lacks, or that do not pass
        `where`, are left out.
        """
        own = list(dict.fromkeys(request.item_ids))
        theirs: dict[str, Any] = {"field": "item_id", "op": "in", "value": own}
        asked = {"scenario": request.scenario, "filter": {"all": [theirs, where]} if where else theirs}
        plain = {"n": len(own), "include_seen": True, "diversity": 0.0, "explore": False}
        own_request = _request(request, asked | plain, explain=request.explain)
        page = await self._page(own_request)
        # Everything that the caller names is wanted, variants and all.
        return await self._answered(own_request, replace(page, view=replace(page.view, relations=NONE)))

    async def similar(self, request: SimilarRequest) -> ListAnswer:
        """Items like one item; raises `NotFoundError` when the catalog does not have it.

        While the shard that has it is away, what is popular, with a label.
        """
        page = await self._page(None)
        vector, reason = await page.view.vector_of(request.item_id)
        if reason:
            return await self._popular(request, replace(page, degraded=page.degraded | {reason}))
        if vector is None:
            raise NotFoundError("there is no such item", found=request.item_id)
        known = Known({request.item_id: vector}, {}, [Context(vector, item_id=request.item_id)], 1.0)
        asked = self._queries.blended(NOBODY, known, page.view.manifest.blend, False, Scenario())
        return await self._plain(request, page, asked.query, "similar", frozenset({request.item_id}))

    async def search(self, request: SearchRequest) -> ListAnswer:
        """Items for a text; raises `EncoderError` when the text cannot be encoded now."""
        page = await self._page(None)
        query = await self._queries.text_query(request.text, page.view)
        return await self._plain(request, page, query, "search", frozenset())

    async def preview(self, request: RecommendRequest, page: Page) -> ListAnswer:
        """The list as it would be on a page with other decisions or at another time; it is not logged."""
        made = await self.made(request, page)
        return await answer_of(made.draft, None, require_full=False)

    async def made(self, request: RecommendRequest, page: Page) -> Made:
        """The same with what decided it, for an account of it."""
        return await self._lists.made(request, page)

    async def taken_away(
        self, request: RecommendRequest, page: Page, left: Sequence[str]
    ) -> dict[str, list[str]]:
        """The hides and buries of a page whose items are among those that left a list."""
        name = name_of(request.scenario)
        plan = page.plan(name, page.controls.scenario(name))
        taking = [*plan.hidden, *((one.rule_id, one.items) for one in plan.adjustments if one.factor < 1.0)]
        found: dict[str, list[str]] = {}
        for rule_id, items in taking:
            for item_id in await page.view.matches(left, items):
                found.setdefault(item_id, []).append(rule_id)
        return found

    async def page(self, shopper: Shopper) -> Page:
        """What a preview starts from."""
        return await self._page(shopper)

    async def _page(self, shopper: Shopper | None) -> Page:
        degraded: set[str] = set()
        view, controls = self._watch.view, self._controls.state
        named = self._named(shopper) if shopper else Shopper()
        profile = await self._queries.profile(named, degraded) if shopper else NOBODY
        return Page(view, controls, named, profile, frozenset(degraded))

    def _named(self, shopper: Shopper) -> Shopper:
        """The shopper under the names that this shop keeps; everything later knows no others."""
        kinds = {"user": shopper.user_id, "visitor": shopper.visitor_id}
        kept = {f"{kind}_id": name and self._names.of(kind, name) for kind, name in kinds.items()}
        return shopper.model_copy(update=kept) if self._names.withholds else shopper

    async def _popular(self, request: SimilarRequest, page: Page) -> ListAnswer:
        """The list of somebody who is not known, in place of one that cannot be made now."""
        own = [*request.exclude, request.item_id]
        asked = {name: getattr(request, name) for name in ("n", "filter", "require_full")}
        return await self._answered(_request(Shopper(), asked, exclude=own), page)

    async def _answered(self, request: RecommendRequest, page: Page) -> ListAnswer:
        made = await self._lists.made(request, page)
        explainer = Explainer(page.view, page.profile, made.asked, self._config.reasons_per_item)
        return await self._logged(made.draft, explainer if request.explain else None, request)

    async def _plain(
        self,
        request: SimilarRequest | SearchRequest,
        page: Page,
        query: Query,
        source: str,
        own: frozenset[str],
    ) -> ListAnswer:
        """A list by score alone; what may not be shown is left out as in every list."""
        draft = await self._scored(request, page, query, source, own, ())
        if await refused(draft, draft.places, page.viewer):
            draft = await self._scored(request, page, query, source, own, (scan_condition(page.viewer),))
            gone = await refused(draft, draft.places, page.viewer)
            draft.places = [one for one in draft.places if one.item_id not in gone]
        return await self._logged(draft, None, request)

    async def _scored(
        self,
        request: SimilarRequest | SearchRequest,
        page: Page,
        query: Query,
        source: str,
        own: frozenset[str],
        more: tuple[Any, ...],
    ) -> Draft:
        where = page.where(request.filter, page.controls.scenario(None), RulePlan(), more)
        draft = new_draft(request, page, min(request.n, self._config.max_items_returned), where)
        draft.scenario = source
        with Stage("retrieve"):
            found = await draft.view.search(query, draft.n, frozenset(draft.hidden | own), where)
        draft.confess(found)
        pairs = zip(found.candidates.item_ids, found.candidates.scores.tolist(), strict=True)
        draft.places = [Place(item_id, source, score) for item_id, score in pairs]
        return draft

    async def _logged(self, draft: Draft, explainer: Explainer | None, request: ListRequest) -> ListAnswer:
        with Stage("explain"):
            answer = await answer_of(draft, explainer, request.require_full)
        self._journal.add(record_of(answer, draft))
        return answer


def _request(shopper: Shopper, asked: Mapping[str, Any], **more: Any) -> RecommendRequest:
    """A request for one list of a shopper; its parts were checked where they came in."""
    own = {name: getattr(shopper, name) for name in Shopper.model_fields}
    return RecommendRequest.model_construct(
        **{**own, "explain": getattr(shopper, "explain", True), **asked, **more}
    )
