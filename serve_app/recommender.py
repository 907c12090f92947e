"""The online steps of one list: profile -> user vector -> retrieve -> fill -> explain."""

from __future__ import annotations

from recsys.blend.query import Known
from recsys.config import Scenario, ServeConfig
from recsys.errors import InputError, NotFoundError
from recsys.filters import parse_filter
from recsys.history import user_key
from recsys.profile import Context, UserProfile
from serve_app.answer_journal import AnswerJournal
from serve_app.answers import answer_of, record_of
from serve_app.draft import Draft
from serve_app.explanations import Explainer
from serve_app.index_watch import IndexWatch
from serve_app.ladder import Ladder
from serve_app.live_segment import TextEncoderClient
from serve_app.payloads import (
    ListAnswer,
    ListRequest,
    RecommendRequest,
    SearchRequest,
    Shopper,
    SimilarRequest,
)
from serve_app.popularity_board import PopularityBoard
from serve_app.profiles import ProfileReader
from serve_app.query_making import NOBODY, QueryMaker

PERSONAL = "personal"
DEFAULT_ITEMS = 10


class Recommender:
    """Answers lists over the view that is current when a request begins."""

    def __init__(
        self,
        watch: IndexWatch,
        profiles: ProfileReader,
        encoder: TextEncoderClient,
        popularity: PopularityBoard,
        journal: AnswerJournal,
        config: ServeConfig,
    ) -> None:
        self._watch, self._queries = watch, QueryMaker(profiles, encoder, config)
        self._popularity, self._journal, self._config = popularity, journal, config

    async def recommend(self, request: RecommendRequest) -> ListAnswer:
        """The shopper's list: by taste and context, filled up from the ladder."""
        draft = self._draft(request, request.n or DEFAULT_ITEMS)
        draft.unit = unit_of(request)
        scenario, include_seen = self._scenario(request), bool(request.include_seen)
        profile = await self._queries.profile(request, draft.degraded)
        if not include_seen:
            draft.hidden |= profile.seen
        if request.item_id is not None:
            draft.hidden.add(request.item_id)
        asked = await self._queries.query(
            profile, draft, request.item_id, request.text, include_seen, scenario
        )
        if not asked.query.is_zero:
            source = PERSONAL if profile.interests else "context"
            found = await draft.view.search(asked.query, draft.wanted, frozenset(draft.hidden), draft.where)
            draft.add(source, found)
        if draft.wanted > 0:
            await self._fill(draft, profile, request)
        explainer = Explainer(draft.view, profile, asked, self._config.reasons_per_item)
        return await self._answer(draft, explainer if request.explain else None, request)

    async def similar(self, request: SimilarRequest) -> ListAnswer:
        """Items like one item; raises `NotFoundError` when the catalog does not have it."""
        draft = self._draft(request, request.n)
        vectors = await draft.view.vectors([request.item_id])
        if request.item_id not in vectors:
            raise NotFoundError("there is no such item", found=request.item_id)
        draft.hidden.add(request.item_id)
        known = Known(vectors, {}, [Context(vectors[request.item_id], item_id=request.item_id)], 1.0)
        asked = self._queries.blended(NOBODY, known, draft, False, Scenario())
        found = await draft.view.search(asked.query, draft.wanted, frozenset(draft.hidden), draft.where)
        draft.add("similar", found)
        return await self._answer(draft, None, request)

    async def search(self, request: SearchRequest) -> ListAnswer:
        """Items for a text; raises `EncoderError` when the text cannot be encoded now."""
        draft = self._draft(request, request.n)
        query = await self._queries.text_query(request.text, draft)
        found = await draft.view.search(query, draft.wanted, frozenset(draft.hidden), draft.where)
        draft.add("search", found)
        return await self._answer(draft, None, request)

    def _draft(self, request: ListRequest, n: int) -> Draft:
        where = parse_filter(request.filter) if request.filter is not None else None
        return Draft(self._watch.view, min(n, self._config.max_items_returned), where, set(request.exclude))

    def _scenario(self, request: RecommendRequest) -> Scenario:
        if request.scenario is None:
            return Scenario()
        if request.scenario not in self._config.scenarios:
            raise InputError(
                "there is no such scenario",
                expected=", ".join(sorted(self._config.scenarios)) or "no scenario: the service has none",
                found=request.scenario,
                where="scenario",
            )
        return self._config.scenarios[request.scenario]

    async def _fill(self, draft: Draft, profile: UserProfile, request: RecommendRequest) -> None:
        known = [*profile.seen, *([request.item_id] if request.item_id else [])]
        fields = await draft.view.items(known)
        categories = {row["category"] for row in fields.values() if row.get("category")}
        categories |= {request.category} if request.category else set()
        ladder = Ladder(draft.view, self._popularity.top, frozenset(categories), draft.where)
        async for rung in ladder.rungs(draft.wanted, frozenset(draft.hidden)):
            draft.add(rung.source, rung.found)
            draft.degraded.add("fallback")

    async def _answer(self, draft: Draft, explainer: Explainer | None, request: ListRequest) -> ListAnswer:
        answer = await answer_of(draft, explainer, request.require_full)
        self._journal.add(record_of(answer, draft))
        return answer


def unit_of(shopper: Shopper) -> str:
    """Key under which a shopper is counted; empty for nobody."""
    if shopper.user_id is None and shopper.visitor_id is None:
        return ""
    return user_key(shopper.user_id, shopper.visitor_id)
