"""From candidates to the places of a list: arranged, ruled, one place left to chance, looked at last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recsys.answer_record import Explored
from recsys.merchandising import Ranked, RulePlan, place
from recsys.merchandising.scenario import ScenarioSettings
from recsys.moderation import Viewer, refusal
from recsys.profile import UserProfile
from recsys.rerank import ItemStatistics, Pool, arrange, category_mix, explore, top_category
from recsys.retrieval import Details
from serve_app.draft import Draft, Place
from serve_app.stages import timed

EXPLORED = "explored"
FRESH = 20
"""Newest items that compete for the place of chance beside the list's own candidates."""


@timed("arrange")
async def arranged(
    draft: Draft, settings: ScenarioSettings, ranked: Sequence[Ranked], profile: UserProfile, now_us: int
) -> list[Ranked]:
    """Candidates in the order of the scenario's diversity, calibration and freshness, all of them."""
    if settings.lists.is_off or len(ranked) < 2:
        return list(ranked)
    details = await draft.view.details([one.item_id for one in ranked], [], ())
    pool = _pool(ranked, details)
    mix = await _mix(draft, profile) if settings.lists.calibration else {}
    found = arrange(pool, settings.lists, draft.n, mix=mix, now_us=now_us)
    first = [replace(ranked[place_], moved_by=found.notes.get(place_, ())) for place_ in found.order]
    chosen = {*found.order, *found.collapsed}
    # What is left stands by, in order: rules may need it where an item has to go.
    return [*first, *(one for number, one in enumerate(ranked) if number not in chosen)]


def ruled(
    draft: Draft, plan: RulePlan, ranked: Sequence[Ranked], n: int, pinned: Mapping[str, Ranked]
) -> list[Ranked]:
    """The best `n` as the rules want them; what rules did is noted in the draft."""
    if plan.is_empty:
        return list(ranked[:n])
    placed = place(plan, ranked, n, pinned)
    draft.applied_rules, draft.rule_conflicts = list(placed.applied), list(placed.conflicts)
    if not placed.places and plan.hidden:
        names = ", ".join(name for name, _ in plan.hidden)
        draft.rule_conflicts.append(f"{names}: nothing else is left to show")
        draft.degraded.add("emptied_by_rules")
    return list(placed.places)


async def explored(
    draft: Draft,
    settings: ScenarioSettings,
    shown: Sequence[Ranked],
    spare: Sequence[Ranked],
    statistics: ItemStatistics,
    rng: np.random.Generator,
) -> list[Ranked]:
    """The list with one place drawn from candidates beyond it and from new items; noted in the draft.

    A place that a rule gave away is left alone. The item that stood there competes as well.
    """
    free = [number for number, one in enumerate(shown) if not one.rules and number > 0]
    wanted = min(settings.explore.slot, len(shown)) - 1
    slot = min(free, key=lambda number: (abs(number - wanted), number), default=None)
    if slot is None:
        return list(shown)
    taken = {one.item_id for one in shown}
    fresh = await draft.view.newest(FRESH, frozenset(draft.hidden | taken), draft.where)
    new = [Ranked(item_id, EXPLORED, 0.0) for item_id in fresh.candidates.item_ids]
    others = [one for one in spare if one.item_id not in taken]
    half = settings.explore.candidates // 2
    rivals = {one.item_id: one for one in [shown[slot], *others[:half], *new]}
    rivals = dict(list(rivals.items())[: settings.explore.candidates])
    fields = await draft.view.items(list(rivals))
    candidates = [(item_id, top_category(fields.get(item_id, {}))) for item_id in rivals]
    drawn = explore(candidates, statistics, settings.explore, slot + 1, rng)
    if drawn is None:
        return list(shown)
    draft.explored = drawn
    chosen = rivals[drawn.chosen]
    moved = shown[slot] if chosen.item_id == shown[slot].item_id else replace(chosen, moved_by=(EXPLORED,))
    return [moved if number == slot else one for number, one in enumerate(shown)]


@timed("last_look")
async def refused(draft: Draft, shown: Sequence[Ranked | Place], viewer: Viewer) -> dict[str, str]:
    """Items that must not be shown after all, with the reason: the last look before an answer."""
    fields = await draft.view.items([one.item_id for one in shown])
    found = {}
    for one in shown:
        row = fields.get(one.item_id, {})
        reason = "blocked" if one.item_id in draft.barred else refusal(row, viewer)
        if reason is not None:
            found[one.item_id] = reason
    return found


def places_of(shown: Sequence[Ranked]) -> list[Place]:
    """The list as an answer gives it."""
    return [
        Place(one.item_id, one.source, one.score, one.rules, one.moved_by, one.goes_with) for one in shown
    ]


def shifted(explored_: Explored | None, shown: Sequence[Ranked]) -> Explored | None:
    """The draw with the place where its item stands now; None when it is not in the list any more."""
    if explored_ is None:
        return None
    ids = [one.item_id for one in shown]
    if explored_.chosen not in ids:
        return None
    return replace(explored_, position=ids.index(explored_.chosen) + 1)


def _pool(ranked: Sequence[Ranked], details: Details) -> Pool:
    dim = next((len(vector) for vector in details.vectors.values()), 1)
    vectors = np.zeros((len(ranked), dim), np.float32)
    fields: list[Mapping[str, Any]] = []
    for number, one in enumerate(ranked):
        if (vector := details.vectors.get(one.item_id)) is not None:
            length = float(np.linalg.norm(vector))
            vectors[number] = vector / length if length > 0.0 else 0.0
        fields.append(details.fields.get(one.item_id, {}))
    scores = np.array([one.score for one in ranked], np.float64)
    return Pool(tuple(one.item_id for one in ranked), scores, vectors, fields)


async def _mix(draft: Draft, profile: UserProfile) -> dict[str, float]:
    weights = {one.item_id: one.weight for one in profile.interests}
    fields = await draft.view.items(list(weights))
    return category_mix(weights, {name: str(row.get("category") or "") for name, row in fields.items()})
