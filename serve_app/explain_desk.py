"""Why a list is as it is: its contributions, what decided it, and what lost its place and why."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.config import Config
from recsys.filters import parse_filter
from recsys.payloads import AppliedFilter, ExplainedAnswer, ExplainRequest, Fate, Reason, RecommendRequest
from serve_app.answers import answer_of
from serve_app.draft import Place
from serve_app.explanations import Explainer
from serve_app.fates import Fates
from serve_app.page import Page
from serve_app.pool_making import PERSONAL
from serve_app.recommender import Recommender
from serve_app.shopper_lists import Made

SEARCHED = 500
"""How far down a single item's place by score is looked for."""
ALL = 50
"""Reasons of an item: as good as everything that moved it."""


class ExplainDesk:
    """Makes a list as `/v1/recommend` does, with what it was made from; nothing is logged or counted."""

    def __init__(self, lists: Recommender) -> None:
        self._lists = lists

    async def explained(self, asked: ExplainRequest) -> ExplainedAnswer:
        """The account of a list; raises `InputError` for a scenario or filter that is not there."""
        page = await self._lists.page(asked.request)
        made = await self._lists.made(asked.request, page)
        account = _Account(asked.request, page, made)
        answer = await answer_of(made.draft, account.explainer, require_full=False)
        scores = await account.by_score()
        listed = {item.item_id: place for place, item in enumerate(answer.items, 1)}
        lost = [item_id for item_id in list(scores)[: made.draft.n] if item_id not in listed]
        return ExplainedAnswer(
            answer=answer,
            settings=made.settings.model_dump(mode="json"),
            filters=_filters(asked.request, page, made),
            seen=len(page.profile.seen),
            held_back=len(page.controls.hidden),
            lost=await account.fates(lost, scores, listed, with_reasons=False),
            item=await account.fate_of(asked.item_id, scores, listed) if asked.item_id else None,
        )


class _Account:
    """One list with what it was made from."""

    def __init__(self, request: RecommendRequest, page: Page, made: Made) -> None:
        self._page, self._made = page, made
        self._fates = Fates(request, page, made)
        self.explainer = Explainer(page.view, page.profile, made.asked, ALL)

    async def by_score(self) -> dict[str, float]:
        """Items by the shopper's score alone, best first: nothing hidden, filtered or moved."""
        if self._made.asked.query.is_zero:
            return {}
        found = await self._page.view.search(self._made.asked.query, SEARCHED, frozenset(), None)
        pairs = zip(found.candidates.item_ids, found.candidates.scores.tolist(), strict=True)
        return dict(pairs)

    async def fate_of(self, item_id: str, scores: dict[str, float], listed: dict[str, int]) -> Fate:
        """The fate of one item, with all its reasons."""
        known = scores if item_id in scores else scores | await self._score_of(item_id)
        (found,) = await self.fates([item_id], known, listed, with_reasons=True)
        return found if item_id in scores else found.model_copy(update={"by_score": None})

    async def fates(
        self, item_ids: Sequence[str], scores: dict[str, float], listed: dict[str, int], *, with_reasons: bool
    ) -> list[Fate]:
        """What became of items, in their order."""
        fields = await self._page.view.items(item_ids)
        why = await self._fates.why(item_ids, fields, [one for one in scores], listed)
        reasons = await self._reasons(item_ids, scores) if with_reasons else {}
        ranks = {item_id: place for place, item_id in enumerate(scores, 1)}
        return [
            Fate(
                item_id=item_id,
                title=fields.get(item_id, {}).get("title"),
                score=scores.get(item_id),
                by_score=ranks.get(item_id),
                place=listed.get(item_id),
                why=why[item_id],
                reasons=reasons.get(item_id, []),
            )
            for item_id in item_ids
        ]

    async def _score_of(self, item_id: str) -> dict[str, float]:
        if self._made.asked.query.is_zero:
            return {}
        alone = parse_filter({"field": "item_id", "op": "==", "value": item_id})
        found = await self._page.view.search(self._made.asked.query, 1, frozenset(), alone)
        return dict(zip(found.candidates.item_ids, found.candidates.scores.tolist(), strict=True))

    async def _reasons(self, item_ids: Sequence[str], scores: dict[str, float]) -> dict[str, list[Reason]]:
        places = [Place(item_id, PERSONAL, scores[item_id]) for item_id in item_ids if item_id in scores]
        return self.explainer.reasons(places, await self.explainer.details(places))


def _filters(request: RecommendRequest, page: Page, made: Made) -> list[AppliedFilter]:
    found = [
        AppliedFilter(kind=kind, name=name, filter=raw)
        for kind, name, raw in (
            ("request", "this request", request.filter),
            ("scenario", made.draft.scenario, made.settings.filter),
        )
        if raw is not None
    ]
    found += [
        AppliedFilter(kind="block", name=name, filter=_json(block))
        for name, block in page.controls.blocks.items()
    ]
    hidden = (
        AppliedFilter(kind="rule", name=name, filter=where.model_dump(mode="json"))
        for name, where in made.plan.hidden
    )
    return [*found, *hidden]


def _json(block: Config) -> dict[str, object]:
    return block.model_dump(mode="json", exclude_defaults=True)
