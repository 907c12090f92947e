"""A ranked list as the rules want it: adjusted, promoted, pinned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from recsys.merchandising.plan import PlannedPin, Promotion, RulePlan
from recsys.merchandising.rule import MOST

TIED = 1e-9
"""Spread of scores, as a share of the largest, below which they are one score and rounding."""


@dataclass(frozen=True)
class Ranked:
    """One candidate of a list."""

    item_id: str
    source: str
    score: float
    matched: frozenset[str] = frozenset()
    """Rules whose items it is among."""
    rules: tuple[str, ...] = ()
    """Rules that chose or moved it; filled by `adjusted` and `place`."""
    moved_by: tuple[str, ...] = ()
    """What else moved it; passed through."""
    goes_with: str = ""
    """The shopper's own item, or one of the request, that it goes with; passed through."""
    was: int = 0
    """Its place before `adjusted` moved it, from 1; 0 where no rule did."""


@dataclass(frozen=True)
class Placed:
    """A list that keeps the rules."""

    places: tuple[Ranked, ...]
    applied: tuple[str, ...] = ()
    """Rules that had a part in it, in the order of their names: those of its items, every hide, and
    what lowered an item out of it."""
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
    unit, limit = _unit([one.score for one in ranked]), math.log(MOST)
    moved = []
    for place, (names, one) in enumerate(touched, 1):
        lift = min(max(sum(math.log(factors[name]) for name in names), -limit), limit)
        score = one.score + unit * lift
        moved.append(replace(one, score=score, rules=(*one.rules, *names), was=place) if names else one)
    return sorted(moved, key=lambda one: -one.score)


def place(
    plan: RulePlan, ranked: Sequence[Ranked], n: int, pinned: Mapping[str, Ranked] | None = None
) -> Placed:
    """The best `n` of candidates in the order given, with promotions and pins kept.

    `ranked` has no item twice. `pinned` holds the pinned items that may be shown, by id. A pin has its
    place; the other places are the candidates'. A pinned item counts for its promotion; a promoted item
    that would not be in the list by its score gets one of evenly spread places. What cannot be kept is
    named in `conflicts`: a pin whose item is not in `pinned` or whose place is beyond the list, a
    promotion with too few candidates or places.
    """
    conflicts = list(plan.conflicts)
    pins = {pin.slot: _pinned(pin, ranked, pinned or {}) for pin in _kept(plan, n, pinned or {}, conflicts)}
    own = {one.item_id for one in pins.values()}
    others = [one for one in ranked if one.item_id not in own]
    shown = _promoted(plan, others, n, list(pins.values()), conflicts)
    for slot in sorted(pins):  # each goes in behind those before it
        shown.insert(min(slot - 1, len(shown)), pins[slot])
    applied = {name for one in shown for name in one.rules} | {name for name, _ in plan.hidden}
    return Placed(tuple(shown), tuple(sorted(applied | _lowered(plan, ranked, shown, n))), tuple(conflicts))


def spread(stay: Sequence[Ranked], late: Sequence[Ranked]) -> list[Ranked]:
    """`late` at evenly spread places among `stay`, both in their order."""
    total = len(stay) + len(late)
    slots = {int((number + 0.5) * total / len(late)) for number in range(len(late))} if late else set()
    rest, forced = iter(stay), iter(late)
    return [next(forced) if slot in slots else next(rest) for slot in range(total)]


def _unit(scores: Sequence[float]) -> float:
    """One standard deviation; where all scores are one, its size, so that a factor still moves."""
    deviation, largest = float(np.std(scores)), float(np.max(np.abs(scores)))
    return deviation if deviation > TIED * largest else largest or 1.0


def _kept(plan: RulePlan, n: int, pinned: Mapping[str, Ranked], conflicts: list[str]) -> list[PlannedPin]:
    for pin in plan.pins:
        if pin.item_id not in pinned:
            conflicts.append(f"{pin.rule_id}: {pin.item_id} is not available, hidden or unknown")
        elif pin.slot > n:
            conflicts.append(f"{pin.rule_id}: place {pin.slot} is beyond the list's {n}")
    return [pin for pin in plan.pins if pin.item_id in pinned and pin.slot <= n]


def _pinned(pin: PlannedPin, ranked: Sequence[Ranked], pinned: Mapping[str, Ranked]) -> Ranked:
    """The pinned item, with the rules that its candidate matched."""
    one = pinned[pin.item_id]
    twin = next((other for other in ranked if other.item_id == pin.item_id), one)
    return replace(one, matched=one.matched | twin.matched, rules=(*one.rules, pin.rule_id))


def _promoted(
    plan: RulePlan, others: Sequence[Ranked], n: int, pins: Sequence[Ranked], conflicts: list[str]
) -> list[Ranked]:
    """The places that are not pinned: the best candidates, with promotions kept."""
    free = n - len(pins)
    forced: dict[str, Ranked] = {}
    counted: set[str] = set()
    for promotion, wanted in zip(plan.promotions, _whole(plan.promotions, n), strict=True):
        name = promotion.rule_id
        there = {one.item_id for one in pins if name in one.matched} - counted
        counted |= there
        able = [one for one in others if name in one.matched and one.item_id not in forced]
        chosen = able[: min(max(wanted - len(there), 0), free - len(forced))]
        if (got := len(there) + len(chosen)) < wanted:
            why = "the others are pinned" if len(chosen) < len(able) else "there are no more such items"
            conflicts.append(f"{name}: {got} of {wanted} places, {why}")
        forced |= {one.item_id: replace(one, rules=(*one.rules, name)) for one in chosen}
    return _with_forced(others, forced, free)


def _with_forced(others: Sequence[Ranked], forced: Mapping[str, Ranked], free: int) -> list[Ranked]:
    """The best `free` of others with all of `forced`: in place, or spread where they come from below."""
    shown = list(others[:free])
    above = {one.item_id for one in shown}
    late = [one for one in forced.values() if one.item_id not in above]
    plain = [one.item_id for one in shown if one.item_id not in forced]
    kept = {*plain[: free - len(forced)], *forced}
    return spread([forced.get(one.item_id, one) for one in shown if one.item_id in kept], late)


def _whole(promotions: Sequence[Promotion], n: int) -> list[int]:
    """Places of each, rounded so that their sums are: together they never ask for more than `n`."""
    share, ends = 0.0, [0]
    for promotion in promotions:
        share += promotion.share
        ends.append(min(math.floor(share * n + 0.5), n))
    return [end - start for start, end in pairwise(ends)]


def _lowered(plan: RulePlan, ranked: Sequence[Ranked], shown: Sequence[Ranked], n: int) -> set[str]:
    """Rules that lowered an item out of the list."""
    lowering = {one.rule_id for one in plan.adjustments if one.factor < 1.0}
    there = {one.item_id for one in shown}
    gone = [one for one in ranked if 0 < one.was <= n and one.item_id not in there]
    return {name for one in gone for name in one.rules} & lowering
