"""Reasons for the items of one answer, looked up in the view the answer came from."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys import explain
from recsys.blend.query import BlendedQuery
from recsys.explain import ReasonKind, fallback_reason
from recsys.profile import UserProfile
from serve_app.index_view import IndexView
from serve_app.ladder import NEW, POPULAR, POPULAR_IN_CATEGORY
from serve_app.payloads import Reason
from serve_app.retriever import each
from serve_app.shard_clients import ItemLinks

FALLBACKS = {
    POPULAR_IN_CATEGORY: ReasonKind.POPULAR_IN_CATEGORY,
    POPULAR: ReasonKind.POPULAR,
    NEW: ReasonKind.NEW,
}
Place = tuple[str, str, float]
"""`(item_id, source, score)`."""


@dataclass(frozen=True)
class Explainer:
    """Explains places by the shopper's own history, or by the rung of the ladder they came from."""

    view: IndexView
    profile: UserProfile
    asked: BlendedQuery
    limit: int

    async def reasons(
        self, places: Sequence[Place], fields: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, list[Reason]]:
        """Reasons by item id; `fields` are those of the places' items."""
        personal = [item_id for item_id, source, _ in places if source not in FALLBACKS]
        own_ids = sorted({part.item_id for part in self.asked.user.parts if part.item_id})
        sources = frozenset(s for weights in self.asked.query.links.values() for s in weights)
        own_ids = sorted({*own_ids, *(source for source in sources if source)})
        asked: list[Awaitable[Any]] = [
            self.view.vectors(personal),
            self.view.items(own_ids),
            self._links(personal, sources),
        ]
        vectors, own, links = await each(asked, at_once=not self.view.in_process)
        known = [item_id for item_id in personal if item_id in vectors]
        given = dict(zip(known, self._own_reasons(known, vectors, links, own, fields), strict=True))
        return {
            item_id: [_body(reason) for reason in self._given(given, item_id, source, fields)]
            for item_id, source, _ in places
        }

    def _given(
        self,
        own: Mapping[str, tuple[explain.Reason, ...]],
        item_id: str,
        source: str,
        fields: Mapping[str, Mapping[str, Any]],
    ) -> tuple[explain.Reason, ...]:
        if source in FALLBACKS:
            return (fallback_reason(FALLBACKS[source], fields.get(item_id, {}).get("category")),)
        return own.get(item_id, ())

    async def _links(self, item_ids: Sequence[str], sources: frozenset[str]) -> ItemLinks:
        return await self.view.links(item_ids, sources) if sources else {}

    def _own_reasons(
        self,
        item_ids: Sequence[str],
        vectors: Mapping[str, np.ndarray],
        links: ItemLinks,
        own: Mapping[str, Mapping[str, Any]],
        fields: Mapping[str, Mapping[str, Any]],
    ) -> list[tuple[explain.Reason, ...]]:
        if not item_ids:
            return []
        found = explain.Contributions(
            self.asked.user,
            np.stack([vectors[item_id] for item_id in item_ids]),
            text_factor=self.asked.text_factor,
            query=self.asked.query,
            links=[links.get(item_id, {}) for item_id in item_ids],
        )
        return [
            explain.reasons(
                found.best_first(place),
                found.positive(place),
                own,
                self.profile,
                self.limit,
                item=fields.get(item_id, {}),
            )
            for place, item_id in enumerate(item_ids)
        ]


def _body(reason: explain.Reason) -> Reason:
    return Reason(
        kind=reason.kind.value,
        text=reason.text,
        item_id=reason.item_id,
        share=reason.share,
        contribution=reason.contribution,
        shared=list(reason.shared),
    )
