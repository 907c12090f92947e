"""What the shop states about its items, kept in a list in the making."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recsys.merchandising import Ranked
from recsys.merchandising.scenario import ScenarioSettings
from recsys.relations import Relation, held_back
from serve_app.draft import Draft
from serve_app.page import Page

JUST_BOUGHT_US = 7 * 86_400_000_000
"""For so long what does for a purchase is held back."""
PREFIX = "relation:"


@dataclass(frozen=True, eq=False)
class Constraining:
    """The constraints of one list; who loses a place by them is noted in its draft."""

    draft: Draft
    settings: ScenarioSettings
    page: Page
    looked_at: str | None
    """The item whose page it is."""
    around: Sequence[str]
    """That item and the cart."""

    def kept(self, ranked: list[Ranked], num_places: int) -> list[Ranked]:
        """Candidates, best first, as the constraints want them; the first `num_places` would be shown.

        Further variants and what does not fit are taken out; what does for something in the cart or
        bought of late goes behind everything else, unless that very item is looked at.
        """
        relations = self.page.view.relations
        if not relations or not self.settings.constraints or not ranked:
            return ranked
        found = held_back(
            relations,
            [one.item_id for one in ranked],
            around=self.around,
            bought=self._bought(),
            kinds=[Relation(name) for name in self.settings.constraints],
        )
        if not found:
            return ranked
        held = {one.item_id: one for one in found}
        late = {one.item_id for one in found if one.relation is Relation.SUBSTITUTES}
        self.draft.hidden |= held.keys() - late
        said = {one.item_id for one in self.draft.held}
        above = {one.item_id for one in ranked[:num_places]} - said
        self.draft.held += [one for one in found if one.item_id in above]
        return [
            *(one for one in ranked if one.item_id not in held),
            *(one for one in ranked if one.item_id in late),
        ]

    def _bought(self) -> set[str]:
        since = self.page.now_us - JUST_BOUGHT_US
        own = {one.item_id for one in self.page.profile.interests if (one.bought_us or 0) > since}
        return (own | set(self.around)) - {self.looked_at or ""}

    def note(self) -> None:
        """Keep the account to what the finished list lacks, and name its relations among the rules."""
        draft = self.draft
        shown = {place.item_id for place in draft.places}
        draft.held = [one for one in draft.held if one.item_id not in shown]
        names = {PREFIX + one.relation.value for one in draft.held}
        draft.applied_rules = [*draft.applied_rules, *sorted(names - set(draft.applied_rules))]
