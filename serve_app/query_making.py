"""From a shopper and a request to the query that shards answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from typing import Any

import numpy as np

from recsys.blend.query import BlendedQuery, Known, blended_query
from recsys.blend.settings import FittedBlend
from recsys.config import Scenario, ServeConfig
from recsys.errors import EncoderError, StoreError
from recsys.history import user_key
from recsys.payloads import Shopper
from recsys.profile import Context, UserProfile, user_vector, with_context
from recsys.query import Query
from serve_app.draft import Draft
from serve_app.index_view import IndexView
from serve_app.live_segment import TextEncoderClient
from serve_app.profiles import ProfileReader
from serve_app.retriever import each
from serve_app.stages import Stage, timed

NOBODY = UserProfile("nobody", (), frozenset(), 0)


class QueryMaker:
    """Reads profiles, encodes texts, and weighs both by what the index version was fitted to."""

    def __init__(self, profiles: ProfileReader, encoder: TextEncoderClient, config: ServeConfig) -> None:
        self._profiles, self._encoder, self._config = profiles, encoder, config

    @timed("profile")
    async def profile(self, shopper: Shopper, degraded: set[str]) -> UserProfile:
        """The shopper's profile; an empty one for nobody, and where it cannot be had (`no_profile`)."""
        if shopper.user_id is None and shopper.visitor_id is None:
            return NOBODY
        try:
            key = user_key(shopper.user_id, shopper.visitor_id)
            return await self._profiles.profile(key, time.time_ns() // 1_000)
        except StoreError:
            degraded.add("no_profile")
            return NOBODY

    async def query(
        self,
        profile: UserProfile,
        draft: Draft,
        item_ids: Sequence[str],
        text: str | None,
        include_seen: bool,
        weights: Scenario,
    ) -> BlendedQuery:
        """What this shopper asks of the index, in the context of items and of words."""
        asked: list[Awaitable[Any]] = [
            draft.view.vectors(profile.item_ids),
            self._encoded(profile.review_texts, draft),
            self._contexts(item_ids, text, draft),
        ]
        # The encoder is another process, whatever the placement.
        waits = bool(profile.review_texts or text) or not draft.view.in_process
        vectors, reviews, contexts = await each(asked, at_once=waits)
        known = Known(vectors, reviews, contexts, self._config.context_share)
        return self.blended(profile, known, draft.view.manifest.blend, include_seen, weights)

    def blended(
        self,
        profile: UserProfile,
        known: Known,
        fitted: FittedBlend | None,
        include_seen: bool,
        weights: Scenario,
    ) -> BlendedQuery:
        """By the version's fitted blend; by text and time-decayed weights where nothing was fitted."""
        if fitted is None:
            user = user_vector(profile, known.items, known.reviews)
            user = with_context(user, known.contexts, known.context_share)
            return BlendedQuery(Query(user.vector), user, 1.0)
        blend, share = fitted.blend(include_seen).scaled(weights), self._config.profile.review_share
        return blended_query(profile, known, fitted.settings, blend, share)

    async def text_query(self, text: str, view: IndexView) -> Query:
        """A query by words alone; raises `EncoderError` when they cannot be encoded now."""
        with Stage("encode"):
            encoded = await self._encoder.encode([text])
        return Query(view.whitening.queries(encoded)[0])

    async def _contexts(self, item_ids: Sequence[str], text: str | None, draft: Draft) -> list[Context]:
        contexts: list[Context] = []
        if item_ids:
            found = await draft.view.vectors(item_ids)
            contexts += [Context(vector, item_id=known) for known, vector in found.items()]
            draft.degraded |= set() if found else {"unknown_item"}
        if text:
            encoded = await self._encoded([text], draft)
            contexts += [Context(vector, text=words) for words, vector in encoded.items()]
        return contexts

    async def _encoded(self, texts: Sequence[str], draft: Draft) -> dict[str, np.ndarray]:
        if not texts:
            return {}
        try:
            with Stage("encode"):
                encoded = draft.view.whitening.apply(await self._encoder.encode(texts))
            return dict(zip(texts, encoded, strict=True))
        except EncoderError:
            draft.degraded.add("no_encoder")
            return {}
