"""A ranked list as the rules want it: adjusted, promoted, pinned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsys.merchandising.plan import RulePlan
from recsys.merchandising.rule import MOST

PINNED = "pin"


@dataclass(frozen=True)
class Ranked:
    """One candidate of a list."""

    item_id: str
    source: str
    score: float
    matched: frozenset[str] = frozenset()
    """Rules whose items it is among."""
    rules: tuple[str, ...] = ()
    """Rules that chose or moved it; filled by `place`."""
    moved_by: tuple[str, ...] = ()
    """What else moved it; passed through."""


@dataclass(frozen=True)
class Placed:
    """A list that keeps the rules."""

    places: tuple[Ranked, ...]
    applied: tuple[str, ...] = ()
    """Rules that had a part in it, in the order of their names."""
    conflicts: tuple[str, ...] = ()
    """What could not be kept, and why."""


def adjusted(plan: RulePlan, ranked: Sequence[Ranked]) -> list[Ranked]:
    """Candidates in the order of their lifted or lowered scores; equal ones stay as they were.

    A factor counts as its logarithm in standard deviations of the candidates' scores, so that it means
    the same whatever the scale; factors of several rules multiply, within 1/20 and 20.
    """
    factors = {adjustment.rule_id: adjustment.factor for adjustment in plan.adjustments}
    touched = [(sorted(one.matched & factors.keys()), one) for one in ranked]
    if not any(names for names, _ in touched):
        return list(ranked)
    spread = float(np.std([one.score for one in ranked])) or 1.0
    limit = math.log(MOST)
    keyed = []
    for place, (names, one) in enumerate(touched):
        lift = sum(math.log(factors[name]) for name in names)
        score = one.score + spread * min(max(lift, -limit), limit)
        keyed.append((-score, place, replace(one, score=score, rules=(*one.rules, *names)) if names else one))
    return [one for _, _, one in sorted(keyed, key=lambda entry: entry[:2])]


def place(
    plan: RulePlan, ranked: Sequence[Ranked], n: int, pinned: Mapping[str, Ranked] | None = None
) -> Placed:
    """The best `n` of candidates in the order given, with promotions and pins kept.

    `ranked` has no item twice. `pinned` holds the pinned items that may be shown, by id; a pin whose
    item is not among them is named in `conflicts`, as is a promotion with too few candidates. A promoted
    item that would not be in the list by its score gets one of evenly spread places.
    """
    conflicts = list(plan.conflicts)
    shown = _promoted(plan, ranked, n, conflicts)
    shown = _with_pins(plan, shown, ranked, n, pinned or {}, conflicts)
    applied = {name for one in shown for name in one.rules} | {name for name, _ in plan.hidden}
    return Placed(tuple(shown), tuple(sorted(applied)), tuple(conflicts))


def _promoted(plan: RulePlan, ranked: Sequence[Ranked], n: int, conflicts: list[str]) -> list[Ranked]:
    shown, forced = list(ranked[:n]), []
    taken: set[str] = set()
    for promotion in plan.promotions:
        wanted = math.floor(promotion.share * n + 0.5)
        name = promotion.rule_id
        own = [one for one in ranked if name in one.matched and one.item_id not in taken][:wanted]
        if len(own) < wanted:
            conflicts.append(f"{name}: {len(own)} of {wanted} places, there are no more such items")
        taken |= {one.item_id for one in own}
        forced += [replace(one, rules=(*one.rules, name)) for one in own]
    if not forced:
        return shown
    marked = {one.item_id: one for one in forced}
    above = {one.item_id for one in shown}
    late = [one for one in forced if one.item_id not in above]
    free = [one for one in shown if one.item_id not in marked]
    kept = {one.item_id for one in free[: n - len(forced)]} | set(marked)
    stay = [marked.get(one.item_id, one) for one in shown if one.item_id in kept]
    return spread(stay, late)


def spread(stay: Sequence[Ranked], late: Sequence[Ranked]) -> list[Ranked]:
    """`late` at evenly spread places among `stay`, both in their order."""
    total = len(stay) + len(late)
    slots = {int((number + 0.5) * total / len(late)) for number in range(len(late))} if late else set()
    rest, forced = iter(stay), iter(late)
    return [next(forced) if slot in slots else next(rest) for slot in range(total)]


def _with_pins(
    plan: RulePlan,
    shown: Sequence[Ranked],
    ranked: Sequence[Ranked],
    n: int,
    pinned: Mapping[str, Ranked],
    conflicts: list[str],
) -> list[Ranked]:
    pins = [pin for pin in plan.pins if pin.item_id in pinned and pin.slot <= n]
    for pin in plan.pins:
        if pin.item_id not in pinned:
            conflicts.append(f"{pin.rule_id}: {pin.item_id} is not available, hidden or unknown")
        elif pin.slot > n:
            conflicts.append(f"{pin.rule_id}: place {pin.slot} is beyond the list's {n}")
    if not pins:
        return list(shown)
    own = {pin.item_id for pin in pins}
    listed = {one.item_id for one in shown}
    others = [one for one in shown if one.item_id not in own]
    others += [one for one in ranked if one.item_id not in own | listed][: n - len(others)]
    result = others[: n - len(pins)]
    for pin in pins:  # by place: each goes in behind those before it
        one = pinned[pin.item_id]
        result.insert(min(pin.slot - 1, len(result)), replace(one, rules=(*one.rules, pin.rule_id)))
    return result
