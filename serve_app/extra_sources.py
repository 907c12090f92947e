"""Sources beside the shopper's taste: what is due again, and what goes with the cart or the item."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from recsys.habits import buy_again
from recsys.interaction_log import HALF_LIVES_DAYS
from recsys.merchandising import Ranked, spread
from recsys.merchandising.scenario import ScenarioSettings
from serve_app.draft import Draft
from serve_app.habit_board import HabitBoard
from serve_app.page import Page

BUY_AGAIN, COMPLEMENTS = "buy_again", "complements"
FREQUENCY = HALF_LIVES_DAYS.index(90.0)
"""Of a shopper's frequencies the one that halves in 90 days, the best on a real log."""
Scored = Sequence[tuple[str, float]]


class ExtraSources:
    """Gives each source its share of the places, evenly spread."""

    def __init__(self, board: HabitBoard) -> None:
        self._board = board

    async def placed(
        self,
        page: Page,
        settings: ScenarioSettings,
        draft: Draft,
        around: Sequence[str],
        ranked: list[Ranked],
    ) -> list[Ranked]:
        """The candidates with the sources that the scenario has; `around`: cart and item of the request."""
        if BUY_AGAIN in settings.sources:
            due, most = await self._due(page, draft), settings.buy_again_share
            ranked = await self._among(draft, BUY_AGAIN, due, most, around, ranked)
        if COMPLEMENTS in settings.sources:
            found, most = self._board.complements.beside(around), settings.complements_share
            # What the shopper has seen goes with the cart as well, unless the list must be of new things.
            hidden = set() if settings.include_seen else page.profile.seen
            fresh = [(item, score) for item, score in found if item not in hidden]
            ranked = await self._among(draft, COMPLEMENTS, fresh, most, around, ranked)
        return ranked

    async def _due(self, page: Page, draft: Draft) -> Scored:
        bought = {
            one.item_id: (one.bought_us, one.frequencies[FREQUENCY])
            for one in page.profile.interests
            if one.bought_us is not None
        }
        if not bought:
            return []
        known = await draft.view.items(list(bought))
        categories = {item: str(row.get("category") or "") for item, row in known.items()}
        return buy_again(bought, categories, self._board.habits, page.now_us)

    async def _among(
        self,
        draft: Draft,
        source: str,
        found: Scored,
        share: float,
        around: Collection[str],
        ranked: list[Ranked],
    ) -> list[Ranked]:
        """`ranked` with at most a share of the list's places given to a source's best."""
        most = int(share * draft.n + 0.5)
        if not found or not most:
            return ranked
        allowed = await draft.view.matches([item for item, _ in found], draft.where)
        allowed -= {*around, *draft.barred}
        taken = {one.item_id for one in ranked if one.source in (BUY_AGAIN, COMPLEMENTS)}
        own = [Ranked(i, source, score) for i, score in found if i in allowed and i not in taken][:most]
        ids = {one.item_id for one in own}
        rest = [one for one in ranked if one.item_id not in ids]
        return [*spread(rest[: draft.n - len(own)], own), *rest[draft.n - len(own) :]]
