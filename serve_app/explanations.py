"""Reasons for the items of one answer, looked up in the view the answer came from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsys import explain
from recsys.blend.query import BlendedQuery
from recsys.explain import ReasonKind, fallback_reason
from recsys.profile import UserProfile
from serve_app.index_view import IndexView
from serve_app.ladder import NEW, POPULAR, POPULAR_IN_CATEGORY
from serve_app.payloads import Reason
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
        own_ids = sorted({*own_ids, *(s for w in self.asked.query.links.values() for s in w if s)})
        vectors, own, links = await asyncio.gather(
            self.view.vectors(personal), self.view.items(own_ids), self._links(personal)
        )
        found: dict[str, list[Reason]] = {}
        for item_id, source, _ in places:
            item = fields.get(item_id, {})
            given = self._own_reasons(vectors.get(item_id), links.get(item_id, {}), own, item)
            if source in FALLBACKS:
                given = (fallback_reason(FALLBACKS[source], item.get("category")),)
            found[item_id] = [_body(reason) for reason in given]
        return found

    async def _links(self, item_ids: Sequence[str]) -> ItemLinks:
        return await self.view.links(item_ids) if self.asked.query.links else {}

    def _own_reasons(
        self, vector: Any, links: Any, own: Mapping[str, Mapping[str, Any]], item: Mapping[str, Any]
    ) -> tuple[explain.Reason, ...]:
        if vector is None:
            return ()
        contributed = explain.contributions(
            self.asked.user,
            vector,
            text_factor=self.asked.text_factor,
            query=self.asked.query,
            links=links,
        )
        return explain.reasons(contributed, own, self.profile, self.limit, item=item)


def _body(reason: explain.Reason) -> Reason:
    return Reason(
        kind=reason.kind.value,
        text=reason.text,
        item_id=reason.item_id,
        share=reason.share,
        contribution=reason.contribution,
        shared=list(reason.shared),
    )
