"""What the rules ask of one request, with their contradictions settled and named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from recsys.filters import AnyOf, Filter, Not
from recsys.merchandising.facts import Facts
from recsys.merchandising.rule import Boost, Bury, Hide, Pin, Promote, Rule


@dataclass(frozen=True)
class PlannedPin:
    """An item that belongs into a place."""

    rule_id: str
    slot: int
    item_id: str


@dataclass(frozen=True)
class Adjustment:
    """Items whose scores are lifted (factor above 1) or lowered."""

    rule_id: str
    items: Filter
    factor: float


@dataclass(frozen=True)
class Promotion:
    """Items that get a share of the places."""

    rule_id: str
    items: Filter
    share: float


@dataclass(frozen=True)
class RulePlan:
    """Everything that rules ask of one request."""

    hidden: tuple[tuple[str, Filter], ...] = ()
    """Rule and items that must not appear."""
    pins: tuple[PlannedPin, ...] = ()
    """One an item and one a place, by place."""
    adjustments: tuple[Adjustment, ...] = ()
    promotions: tuple[Promotion, ...] = ()
    """In order of priority; their shares sum to 1 at the most."""
    conflicts: tuple[str, ...] = ()
    """What was contradictory, and how it was settled."""

    @property
    def is_empty(self) -> bool:
        """Whether no rule counts."""
        return not (self.hidden or self.pins or self.adjustments or self.promotions)

    @property
    def visible(self) -> Not | None:
        """The condition that hides what must not appear, for the search itself; None where nothing is."""
        if not self.hidden:
            return None
        return Not.model_construct(part=AnyOf.model_construct(parts=tuple(f.root for _, f in self.hidden)))


def plan_rules(rules: Iterable[Rule], facts: Facts, now: datetime) -> RulePlan:
    """The rules that count for a request, highest priority first, contradictions settled.

    Of two pins on one place the higher priority has it and the other takes the next free place; an
    item is pinned once. Promotions beyond all places are cut, the lowest priority first.
    """
    counting = sorted(
        (rule for rule in rules if rule.counts(facts, now)), key=lambda rule: (-rule.priority, rule.rule_id)
    )
    conflicts: list[str] = []
    return RulePlan(
        tuple((rule.rule_id, rule.filter) for rule in counting if isinstance(rule.effect, Hide)),
        _pins(counting, conflicts),
        tuple(
            Adjustment(rule.rule_id, rule.filter, rule.effect.factor)
            for rule in counting
            if isinstance(rule.effect, Boost | Bury)
        ),
        _promotions(counting, conflicts),
        tuple(conflicts),
    )


def _pins(rules: Sequence[Rule], conflicts: list[str]) -> tuple[PlannedPin, ...]:
    taken: dict[int, PlannedPin] = {}
    pinned: dict[str, str] = {}
    for rule in rules:
        if not isinstance(rule.effect, Pin):
            continue
        slot, item_id = rule.effect.slot, rule.effect.item_id
        if item_id in pinned:
            conflicts.append(f"{rule.rule_id}: {pinned[item_id]} has pinned {item_id} already")
            continue
        while slot in taken:
            slot += 1
        if slot != rule.effect.slot:
            first = taken[rule.effect.slot].rule_id
            conflicts.append(f"{rule.rule_id}: {first} has place {rule.effect.slot}, moved to {slot}")
        taken[slot] = PlannedPin(rule.rule_id, slot, item_id)
        pinned[item_id] = rule.rule_id
    return tuple(taken[slot] for slot in sorted(taken))


def _promotions(rules: Sequence[Rule], conflicts: list[str]) -> tuple[Promotion, ...]:
    left, found = 1.0, []
    for rule in rules:
        if not isinstance(rule.effect, Promote):
            continue
        share = min(rule.effect.share, left)
        if share < rule.effect.share - 1e-9:
            conflicts.append(f"{rule.rule_id}: promoted to {share:.0%} instead of {rule.effect.share:.0%}")
        if share > 1e-9:
            found.append(Promotion(rule.rule_id, rule.filter, share))
        left -= share
    return tuple(found)
