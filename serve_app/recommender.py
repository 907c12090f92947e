"""The online steps of one list: profile -> user vector -> retrieve -> fill -> explain."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recsys.blend.query import BlendedQuery, Known, blended_query
from recsys.config import Scenario, ServeConfig
from recsys.errors import EncoderError, IndexMissingError, InputError, NotFoundError, StoreError
from recsys.filters import Filter, parse_filter
from recsys.history import user_key
from recsys.profile import Context, UserProfile, user_vector, with_context
from recsys.retrieval import Details, Query
from serve_app.explanations import Explainer
from serve_app.index_view import IndexView
from serve_app.index_watch import IndexWatch
from serve_app.ladder import Ladder
from serve_app.live_segment import TextEncoderClient
from serve_app.payloads import (
    CoverageBody,
    ListAnswer,
    ListRequest,
    RankedItem,
    RecommendRequest,
    SearchRequest,
    SimilarRequest,
)
from serve_app.popularity_board import PopularityBoard
from serve_app.profiles import ProfileReader
from serve_app.retriever import Coverage, Retrieved, each

NOBODY = "nobody"
PERSONAL = "personal"


@dataclass
class Draft:
    """A list in the making: places filled so far, and what to confess about it."""

    view: IndexView
    request: ListRequest
    where: Filter | None
    hidden: set[str]
    places: list[tuple[str, str, float]] = field(default_factory=list)
    """`(item_id, source, score)` in the order of the list."""
    degraded: set[str] = field(default_factory=set)
    coverage: Coverage | None = None

    @property
    def wanted(self) -> int:
        """Places still empty."""
        return self.request.n - len(self.places)

    def add(self, source: str, found: Retrieved) -> None:
        """Fill places from one source, which saw only the ids not hidden so far."""
        pairs = zip(found.candidates.item_ids, found.candidates.scores.tolist(), strict=True)
        self.places += [(item_id, source, score) for item_id, score in pairs]
        self.hidden |= set(found.candidates.item_ids)
        self.degraded |= found.degraded
        worse = self.coverage is None or found.coverage.ratio < self.coverage.ratio
        self.coverage = found.coverage if worse else self.coverage


class Recommender:
    """Answers lists over the view that is current when a request begins."""

    def __init__(
        self,
        watch: IndexWatch,
        profiles: ProfileReader,
        encoder: TextEncoderClient,
        popularity: PopularityBoard,
        config: ServeConfig,
    ) -> None:
        self._watch, self._profiles, self._encoder = watch, profiles, encoder
        self._popularity, self._config = popularity, config

    async def recommend(self, request: RecommendRequest) -> ListAnswer:
        """The shopper's list: by taste and context, filled up from the ladder."""
        draft = self._draft(request)
        profile = await self._profile(request, draft)
        if not request.include_seen:
            draft.hidden |= profile.seen
        if request.item_id is not None:
            draft.hidden.add(request.item_id)
        asked = await self._query(profile, request, draft)
        if not asked.query.is_zero:
            source = PERSONAL if profile.interests else "context"
            draft.add(source, await self._search(draft, asked.query))
        if draft.wanted > 0:
            await self._fill(draft, profile, request)
        explainer = Explainer(draft.view, profile, asked, self._config.reasons_per_item)
        return await self._answer(draft, explainer if request.explain else None)

    async def similar(self, request: SimilarRequest) -> ListAnswer:
        """Items like one item; raises `NotFoundError` when the catalog does not have it."""
        draft = self._draft(request)
        vectors = await draft.view.vectors([request.item_id])
        if request.item_id not in vectors:
            raise NotFoundError("there is no such item", found=request.item_id)
        draft.hidden.add(request.item_id)
        known = Known(vectors, {}, [Context(vectors[request.item_id], item_id=request.item_id)], 1.0)
        nobody = UserProfile(NOBODY, (), frozenset(), 0)
        asked = self._blended(nobody, known, draft, False, Scenario())
        draft.add("similar", await self._search(draft, asked.query))
        return await self._answer(draft, None)

    async def search(self, request: SearchRequest) -> ListAnswer:
        """Items for a text; raises `EncoderError` when the text cannot be encoded now."""
        draft = self._draft(request)
        encoded = draft.view.whitening.queries(await self._encoder.encode([request.text]))
        draft.add("search", await self._search(draft, Query(encoded[0])))
        return await self._answer(draft, None)

    def _draft(self, request: ListRequest) -> Draft:
        request = request.model_copy(update={"n": min(request.n, self._config.max_items_returned)})
        where = parse_filter(request.filter) if request.filter is not None else None
        return Draft(self._watch.view, request, where, set(request.exclude))

    async def _profile(self, request: RecommendRequest, draft: Draft) -> UserProfile:
        nobody = UserProfile(NOBODY, (), frozenset(), 0)
        if request.user_id is None and request.visitor_id is None:
            return nobody
        try:
            key = user_key(request.user_id, request.visitor_id)
            return await self._profiles.profile(key, time.time_ns() // 1_000)
        except StoreError:
            draft.degraded.add("no_profile")
            return nobody

    async def _query(self, profile: UserProfile, request: RecommendRequest, draft: Draft) -> BlendedQuery:
        asked: list[Awaitable[Any]] = [
            draft.view.vectors(profile.item_ids),
            self._encoded(profile.review_texts, draft),
            self._contexts(request, draft),
        ]
        # The encoder is another process, whatever the placement.
        waits = bool(profile.review_texts or request.text) or not draft.view.in_process
        vectors, reviews, contexts = await each(asked, at_once=waits)
        known = Known(vectors, reviews, contexts, self._config.context_share)
        return self._blended(profile, known, draft, request.include_seen, self._scenario(request))

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

    def _blended(
        self, profile: UserProfile, known: Known, draft: Draft, include_seen: bool, scenario: Scenario
    ) -> BlendedQuery:
        """By the version's fitted blend; by text and time-decayed weights where nothing was fitted."""
        fitted = draft.view.manifest.blend
        if fitted is None:
            user = user_vector(profile, known.items, known.reviews)
            user = with_context(user, known.contexts, known.context_share)
            return BlendedQuery(Query(user.vector), user, 1.0)
        blend, share = fitted.blend(include_seen).scaled(scenario), self._config.profile.review_share
        return blended_query(profile, known, fitted.settings, blend, share)

    async def _contexts(self, request: RecommendRequest, draft: Draft) -> list[Context]:
        contexts: list[Context] = []
        if request.item_id is not None:
            found = await draft.view.vectors([request.item_id])
            contexts += [Context(vector, item_id=item_id) for item_id, vector in found.items()]
            draft.degraded |= set() if found else {"unknown_item"}
        if request.text:
            encoded = await self._encoded([request.text], draft)
            contexts += [Context(vector, text=text) for text, vector in encoded.items()]
        return contexts

    async def _encoded(self, texts: Sequence[str], draft: Draft) -> dict[str, np.ndarray]:
        if not texts:
            return {}
        try:
            encoded = draft.view.whitening.apply(await self._encoder.encode(texts))
            return dict(zip(texts, encoded, strict=True))
        except EncoderError:
            draft.degraded.add("no_encoder")
            return {}

    async def _search(self, draft: Draft, query: Query) -> Retrieved:
        return await draft.view.search(query, draft.wanted, frozenset(draft.hidden), draft.where)

    async def _fill(self, draft: Draft, profile: UserProfile, request: RecommendRequest) -> None:
        known = [*profile.seen, *([request.item_id] if request.item_id else [])]
        fields = await draft.view.items(known)
        categories = frozenset(row["category"] for row in fields.values() if row.get("category"))
        ladder = Ladder(draft.view, self._popularity.top, categories, draft.where)
        async for rung in ladder.rungs(draft.wanted, frozenset(draft.hidden)):
            draft.add(rung.source, rung.found)
            draft.degraded.add("fallback")

    async def _answer(self, draft: Draft, explainer: Explainer | None) -> ListAnswer:
        coverage = draft.coverage or draft.view.full_coverage()
        if draft.request.require_full and coverage.ratio < 1.0:
            raise IndexMissingError("a part of the index is not available", found=f"{coverage.ratio:.3f}")
        if explainer:
            details = await explainer.details(draft.places)
            reasons = explainer.reasons(draft.places, details)
        else:
            details = Details(await draft.view.items([item_id for item_id, _, _ in draft.places]))
            reasons = {}
        manifest = draft.view.manifest
        return ListAnswer(
            recommendation_id=uuid.uuid4().hex,
            items=[
                RankedItem(
                    item_id=item_id,
                    title=details.fields.get(item_id, {}).get("title"),
                    score=score,
                    sources=[source],
                    reasons=reasons.get(item_id, []),
                )
                for item_id, source, score in draft.places
            ],
            coverage=CoverageBody(
                ratio=coverage.ratio,
                shards_ok=coverage.shards_ok,
                shards_total=coverage.shards_total,
                items=coverage.items_ok,
            ),
            degraded=sorted(draft.degraded),
            model_version=manifest.encoder_version,
            index_version=manifest.index_version,
        )
