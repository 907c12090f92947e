"""Sources beside the shopper's taste: what is begun, what is due, what goes with cart, item or history."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.blend.query import BlendedQuery
from recsys.habits import buy_again
from recsys.interaction_log import DAY_US, HALF_LIVES_DAYS
from recsys.merchandising import Ranked, spread
from serve_app.constraining import Constraining
from serve_app.draft import Draft
from serve_app.habit_board import HabitBoard
from serve_app.page import Page
from serve_app.stated_sources import Stated, recent_items, stated_beside

CONTINUE, BUY_AGAIN, COMPLEMENTS, RELATED = "continue", "buy_again", "complements", "related"
EXTRA = frozenset({CONTINUE, BUY_AGAIN, COMPLEMENTS, RELATED})
FREQUENCY = HALF_LIVES_DAYS.index(90.0)
"""Of a shopper's frequencies the one that halves in 90 days, the best on a real log."""


class ExtraSources:
    """Gives each source its share of the places, evenly spread."""

    def __init__(self, board: HabitBoard) -> None:
        self._board = board

    async def placed(
        self, constraints: Constraining, asked: BlendedQuery, ranked: list[Ranked]
    ) -> list[Ranked]:
        """The candidates with the sources that the scenario of a list has."""
        page, settings, draft = constraints.page, constraints.settings, constraints.draft
        around = constraints.around
        hidden = set() if settings.include_seen else page.profile.seen
        if CONTINUE in settings.sources:
            begun = _begun(page, settings.finished)
            ranked = await _among(constraints, CONTINUE, begun, settings.continue_share, ranked)
        if BUY_AGAIN in settings.sources:
            due = await self._due(page, draft)
            ranked = await _among(constraints, BUY_AGAIN, due, settings.buy_again_share, ranked)
        if COMPLEMENTS in settings.sources:
            found = await self._complements(draft, asked, around, settings.complements_share)
            # What the shopper has seen goes with the cart as well, unless the list must be of new things.
            fresh = [one for one in found if one[0] not in hidden]
            ranked = await _among(constraints, COMPLEMENTS, fresh, settings.complements_share, ranked)
        if RELATED in settings.sources and draft.view.relations:
            own = list(dict.fromkeys([*around, *recent_items(page.profile)]))
            found = await stated_beside(draft, asked, own, _places(draft, settings.related_share))
            fresh = [one for one in found if one[0] not in hidden]
            ranked = await _among(constraints, RELATED, fresh, settings.related_share, ranked)
        return ranked

    async def _complements(
        self, draft: Draft, asked: BlendedQuery, around: Sequence[str], share: float
    ) -> list[Stated]:
        """What the shop states before what was learned, with scores that keep this order."""
        learned = self._board.complements.beside(around)
        if not draft.view.relations:
            return [(item, score, "") for item, score in learned]
        stated = await stated_beside(draft, asked, around, _places(draft, share))
        lift = learned[0][1] if learned else 0.0
        known = {item for item, *_ in stated}
        first = [(item, lift + weight, of) for item, weight, of in stated]
        return [*first, *((item, score, "") for item, score in learned if item not in known)]

    async def _due(self, page: Page, draft: Draft) -> list[Stated]:
        bought = {
            one.item_id: (one.bought_us, one.frequencies[FREQUENCY])
            for one in page.profile.interests
            if one.bought_us is not None
        }
        if not bought:
            return []
        known = await draft.view.items(list(bought))
        categories = {item: str(row.get("category") or "") for item, row in known.items()}
        due = buy_again(bought, categories, self._board.habits, page.now_us)
        return [(item, score, "") for item, score in due]


def _begun(page: Page, finished: float) -> list[Stated]:
    """What the shopper is in the middle of, with 1 / (1 + days ago) as score."""
    begun = page.profile.begun(finished)
    return [(one.item_id, 1.0 / (1.0 + max(page.now_us - one.at_us, 0) / DAY_US), "") for one in begun]


async def _among(
    constraints: Constraining, source: str, found: Sequence[Stated], share: float, ranked: list[Ranked]
) -> list[Ranked]:
    """`ranked` with at most a share of the list's places given to a source's best."""
    draft = constraints.draft
    most = _places(draft, share)
    if not found or not most:
        return ranked
    allowed = await draft.view.matches([item for item, *_ in found], draft.where)
    allowed -= {*constraints.around, *draft.barred}
    taken = {one.item_id for one in ranked if one.source in EXTRA}
    able = [
        Ranked(item, source, score, goes_with=of)
        for item, score, of in found
        if item in allowed and item not in taken
    ]
    own = constraints.kept(able, most)[:most]
    ids = {one.item_id for one in own}
    rest = [one for one in ranked if one.item_id not in ids]
    return [*spread(rest[: draft.n - len(own)], own), *rest[draft.n - len(own) :]]


def _places(draft: Draft, share: float) -> int:
    return int(share * draft.n + 0.5)
