"""Reasons for the items of one answer, looked up in the view the answer came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys import explain
from recsys.blend.query import BlendedQuery
from recsys.explain import ReasonKind, anchor_reason, begun_reason, fallback_reason, stated_reason
from recsys.payloads import Reason
from recsys.profile import UserProfile
from recsys.query import EVERYBODY
from recsys.retrieval import Details
from serve_app.anchoring import BECAUSE
from serve_app.draft import Place
from serve_app.extra_sources import CONTINUE
from serve_app.index_view import IndexView
from serve_app.ladder import NEW, POPULAR, POPULAR_IN_CATEGORY

FALLBACKS = {
    POPULAR_IN_CATEGORY: ReasonKind.POPULAR_IN_CATEGORY,
    POPULAR: ReasonKind.POPULAR,
    NEW: ReasonKind.NEW,
}


@dataclass(frozen=True)
class Explainer:
    """Explains places by the shopper's own history, or by the rung of the ladder they came from."""

    view: IndexView
    profile: UserProfile
    asked: BlendedQuery
    limit: int

    async def details(self, places: Sequence[Place]) -> Details:
        """Everything that an answer with reasons says about its places and about the shopper's own items."""
        sources = frozenset(s for weights in self.asked.query.links.values() for s in weights)
        own = {part.item_id for part in self.asked.user.parts if part.item_id} | sources - {EVERYBODY}
        own |= {place.goes_with for place in places if place.goes_with}
        return await self.view.details([place.item_id for place in places], sorted(own), sources)

    def reasons(self, places: Sequence[Place], details: Details) -> dict[str, list[Reason]]:
        """Reasons by item id."""
        personal = [
            place.item_id
            for place in places
            if place.source not in FALLBACKS and place.item_id in details.vectors
        ]
        given = dict(zip(personal, self._own_reasons(personal, details), strict=True))
        return {
            place.item_id: [_body(reason) for reason in self._given(given, place, details)]
            for place in places
        }

    def _given(
        self, own: Mapping[str, tuple[explain.Reason, ...]], place: Place, details: Details
    ) -> tuple[explain.Reason, ...]:
        if place.source in FALLBACKS:
            category = details.fields.get(place.item_id, {}).get("category")
            return (fallback_reason(FALLBACKS[place.source], category),)
        if place.source == CONTINUE:
            return (begun_reason(place.item_id, self.profile),)
        personal = own.get(place.item_id, ())
        if place.goes_with:
            first = self._first(personal, place, details.fields.get(place.goes_with))
            return (first, *(one for one in personal if one.item_id != place.goes_with))[: self.limit]
        return personal

    def _first(
        self, personal: Sequence[explain.Reason], place: Place, own: Mapping[str, Any] | None
    ) -> explain.Reason:
        """The reason that names what the place goes with."""
        if place.source != BECAUSE:
            return stated_reason(place.goes_with, own)
        exact = (one for one in personal if one.item_id == place.goes_with)
        return next(exact, None) or anchor_reason(place.goes_with, own, self.profile)

    def _own_reasons(self, item_ids: Sequence[str], details: Details) -> list[tuple[explain.Reason, ...]]:
        if not item_ids:
            return []
        found = explain.Contributions(
            self.asked.user,
            np.stack([details.vectors[item_id] for item_id in item_ids]),
            text_factor=self.asked.text_factor,
            query=self.asked.query,
            links=[details.links.get(item_id, {}) for item_id in item_ids],
        )
        return [
            explain.reasons(
                found.best_first(place),
                found.positive(place),
                details.fields,
                self.profile,
                self.limit,
                item=details.fields.get(item_id, {}),
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
