"""Candidates that the shop states to go with something: pairs of items, then if-then rules."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.blend.query import BlendedQuery
from recsys.profile import UserProfile
from recsys.relations import IfThen
from serve_app.draft import Draft
from serve_app.page import joined

RECENT = 5
"""Newest items of a history that what is related to it is looked for."""
MOST_RULES = 3
"""Heaviest rules that one list follows; each is a search."""
Stated = tuple[str, float, str]
"""Item, weight, and the item that it goes with."""


def recent_items(profile: UserProfile) -> list[str]:
    """The newest items that the shopper was drawn to, newest first."""
    liked = [one for one in profile.interests if one.weight > 0.0]
    return [one.item_id for one in sorted(liked, key=lambda one: one.newest, reverse=True)][:RECENT]


async def stated_beside(draft: Draft, asked: BlendedQuery, items: Sequence[str], most: int) -> list[Stated]:
    """What is stated to go with some items: pairs by weight, then the rules' best for this shopper.

    `most` items of each rule at the most. Nothing where the shop states nothing about them.
    """
    relations = draft.view.relations
    pairs = [(item, weight, of) for item, of, weight in relations.beside(items)]
    if not relations.rules or not items:
        return pairs
    known = {item for item, *_ in pairs}
    ruled = await _by_rules(draft, asked, items, most)
    floor = min((weight for _, weight, _ in pairs), default=1.0)
    total = len(ruled)
    return [
        *pairs,
        # Behind the pairs, in their own order.
        *(
            (item, floor * (total - number) / (total + 1), of)
            for number, (item, of) in enumerate(ruled)
            if item not in known
        ),
    ]


async def _by_rules(
    draft: Draft, asked: BlendedQuery, items: Sequence[str], most: int
) -> list[tuple[str, str]]:
    found: dict[str, str] = {}
    for rule, of in await _told(draft, items):
        where = joined([*([draft.where.root] if draft.where else []), rule.shows.filter.root])
        hidden = frozenset({*draft.hidden, *items, *found})
        if asked.query.is_zero:
            best = await draft.view.newest(most, hidden, where)
        else:
            best = await draft.view.search(asked.query, most, hidden, where)
        found |= dict.fromkeys(best.candidates.item_ids, of)
    return list(found.items())


async def _told(draft: Draft, items: Sequence[str]) -> list[tuple[IfThen, str]]:
    """The heaviest rules that the items set off, each with the first item that does."""
    fields = await draft.view.items(items)
    first: dict[IfThen, str] = {}
    for item in items:
        for rule in draft.view.relations.told_by(fields.get(item, {})):
            first.setdefault(rule, item)
    return sorted(first.items(), key=lambda pair: (-pair[0].weight, str(pair[0])))[:MOST_RULES]
