"""Why an item is not in a list, by asking each thing that could have kept it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsys.filters import Filter, parse_filter
from recsys.moderation import refusal
from recsys.payloads import RecommendRequest
from serve_app.page import Page, joined
from serve_app.shopper_lists import Made

Named = list[tuple[str, Filter, bool]]
"""What is said of an item, the condition, and whether it is said of those that pass or of the others."""


@dataclass(frozen=True)
class Fates:
    """Judges items beside one finished list."""

    request: RecommendRequest
    page: Page
    made: Made

    async def why(
        self,
        item_ids: Sequence[str],
        fields: Mapping[str, Mapping[str, Any]],
        by_score: Sequence[str],
        listed: Mapping[str, int],
    ) -> dict[str, list[str]]:
        """For each item everything that spoke against it; nothing for one that is in the list."""
        found: dict[str, list[str]] = {item_id: self._known(item_id) for item_id in item_ids}
        available = await self.page.view.matches(item_ids, None)
        for said, where, of_passing in self._conditions():
            passing = await self.page.view.matches(item_ids, where)
            for item_id in passing if of_passing else available - passing:
                found[item_id].append(said)
        best = set(by_score[: self.made.draft.n])
        for item_id in item_ids:
            if item_id in listed:
                found[item_id] = []
                continue
            row = fields.get(item_id)
            found[item_id] += self._limits(row, item_id in available)
            if not found[item_id]:
                found[item_id] = self._outdone() if item_id in best else ["score"]
        return found

    def _known(self, item_id: str) -> list[str]:
        """What can be said without looking at the item."""
        request, controls = self.request, self.page.controls
        around = {request.item_id, *request.cart}
        named = [name for name, block in controls.blocks.items() if item_id in block.item_ids]
        said = {
            "excluded": item_id in request.exclude,
            "looked_at": item_id in around,
            "seen": item_id in self.page.profile.seen and not self.made.settings.include_seen,
            "review": item_id in controls.hidden and not named,
        }
        return [*(word for word, holds in said.items() if holds), *(f"block {name}" for name in named)]

    def _conditions(self) -> Named:
        plan, settings = self.made.plan, self.made.settings
        blocks = [
            (f"block {name}", joined([block.visible]), False)
            for name, block in self.page.controls.blocks.items()
            if block.visible is not None
        ]
        asked = [
            (word, parse_filter(raw), False)
            for word, raw in (("request_filter", self.request.filter), ("scenario_filter", settings.filter))
            if raw is not None
        ]
        hidden = [(f"hidden by {name}", where, True) for name, where in plan.hidden]
        lowered = [
            (f"lowered by {one.rule_id}", one.items, True) for one in plan.adjustments if one.factor < 1.0
        ]
        return [*((word, where, of) for word, where, of in blocks if where), *asked, *hidden, *lowered]

    def _limits(self, row: Mapping[str, Any] | None, is_available: bool) -> list[str]:
        if row is None:
            return ["unknown"]
        limit = refusal(row, self.page.viewer)
        return [*([limit] if limit else []), *([] if is_available else ["unavailable"])]

    def _outdone(self) -> list[str]:
        """Why an item that its score would have listed had to make room for others."""
        places = self.made.draft.places
        said = {
            "room_for_rules": any(place.rules for place in places),
            "arranged": not self.made.settings.lists.is_off,
            "chance": self.made.draft.explored is not None,
        }
        return [word for word, holds in said.items() if holds] or ["arranged"]
