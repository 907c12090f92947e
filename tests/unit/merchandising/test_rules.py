"""Rules: conditions, dates, contradictions, and the laws of the list that keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recsys.errors import InputError
from recsys.merchandising import Facts, Ranked, Rule, adjusted, place, plan_rules
from recsys.merchandising.scenario import BUILT_IN, ScenarioSettings, overridden

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
ITEMS = {"field": "brand", "op": "==", "value": "x"}


def rule(rule_id: str, effect: dict[str, Any], **more: Any) -> Rule:
    """A rule; one that is no pin is about `ITEMS`."""
    items = {} if effect["kind"] == "pin" else {"items": ITEMS}
    return Rule.model_validate({"rule_id": rule_id, "effect": effect, **items, **more})


def candidates(count: int, matched: dict[int, set[str]] | None = None) -> list[Ranked]:
    """`i0`, `i1`, ... by falling score."""
    found = matched or {}
    return [Ranked(f"i{n}", "personal", float(count - n), frozenset(found.get(n, ()))) for n in range(count)]


def ids(ranked: Any) -> list[str]:
    """Ids in order."""
    return [one.item_id for one in ranked]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ({"field": "scenario", "op": "==", "value": "home"}, True),
        ({"field": "user.age", "op": ">=", "value": 18}, True),
        ({"field": "user.age", "op": "<", "value": 18}, False),
        ({"field": "user.segments", "op": "contains", "value": "vip"}, True),
        ({"field": "context.country", "op": "in", "value": ["DE"]}, True),
        ({"field": "context.country", "op": "not_in", "value": ["DE"]}, False),
        ({"field": "context.absent", "op": "!=", "value": "x"}, False),
        ({"field": "context.absent", "op": "exists", "value": False}, True),
        ({"not": {"field": "context.absent", "op": "==", "value": "x"}}, True),
        ({"field": "user.segments", "op": ">", "value": 1}, False),
        ({"all": []}, True),
        ({"any": []}, False),
        ({"any": [{"field": "scenario", "op": "==", "value": "cart"}, {"all": []}]}, True),
    ],
)
def test_conditions_hold_as_they_read(when: dict[str, Any], holds: bool) -> None:
    facts = Facts("home", {"age": 30, "segments": ["vip", "new"]}, {"country": "DE"})
    one = rule("r", {"kind": "hide"}, when=when)
    assert one.counts(facts, NOW) is holds


@pytest.mark.parametrize(
    "raw",
    [
        {"effect": {"kind": "hide"}},
        {"effect": {"kind": "pin", "slot": 1, "item_id": "a"}, "items": ITEMS},
        {"effect": {"kind": "pin", "slot": 0, "item_id": "a"}},
        {"effect": {"kind": "boost", "factor": 0.5}, "items": ITEMS},
        {"effect": {"kind": "bury", "factor": 2}, "items": ITEMS},
        {"effect": {"kind": "promote", "share": 1.5}, "items": ITEMS},
        {"effect": {"kind": "hide"}, "items": {"field": "colour", "op": "==", "value": 1}},
        {"effect": {"kind": "hide"}, "items": ITEMS, "when": {"field": "weather", "op": "==", "value": 1}},
        {"effect": {"kind": "hide"}, "items": ITEMS, "valid_from": NOW, "valid_until": NOW},
        {"effect": {"kind": "explode"}, "items": ITEMS},
    ],
)
def test_what_makes_no_sense_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(raw)


def test_a_rule_counts_from_its_first_moment_to_before_its_last() -> None:
    one = rule("r", {"kind": "hide"}, valid_from=NOW, valid_until=NOW + timedelta(hours=1))
    moments = [NOW - timedelta(seconds=1), NOW, NOW + timedelta(minutes=59), NOW + timedelta(hours=1)]
    assert [one.counts(Facts(), at) for at in moments] == [False, True, True, False]
    assert not rule("r", {"kind": "hide"}, enabled=False).counts(Facts(), NOW)


def test_contradictions_are_settled_by_priority_and_named() -> None:
    rules = [
        rule("low", {"kind": "pin", "slot": 1, "item_id": "a"}),
        rule("high", {"kind": "pin", "slot": 1, "item_id": "b"}, priority=5),
        rule("twice", {"kind": "pin", "slot": 3, "item_id": "b"}),
        rule("most", {"kind": "promote", "share": 0.8}, priority=2),
        rule("rest", {"kind": "promote", "share": 0.5}),
    ]
    plan = plan_rules(rules, Facts(), NOW)
    assert [(pin.slot, pin.item_id) for pin in plan.pins] == [(1, "b"), (2, "a")]
    assert [(one.rule_id, round(one.share, 6)) for one in plan.promotions] == [("most", 0.8), ("rest", 0.2)]
    assert plan.conflicts == (
        "low: high has place 1, moved to 2",
        "twice: high has pinned b already",
        "rest: promoted to 20% instead of 50%",
    )
    assert plan_rules(reversed(rules), Facts(), NOW) == plan


def test_a_boost_means_the_same_on_every_scale() -> None:
    plan = plan_rules([rule("b", {"kind": "boost", "factor": 3.0})], Facts(), NOW)
    plain = candidates(20, {12: {"b"}})
    moved = ids(adjusted(plan, plain))
    assert moved.index("i12") < 12
    for scale, shift in ((1e-3, 0.0), (1e4, -5e4)):
        scaled = [Ranked(one.item_id, one.source, one.score * scale + shift, one.matched) for one in plain]
        assert ids(adjusted(plan, scaled)) == moved
    assert ids(one for one in adjusted(plan, plain) if one.item_id != "i12") == ids(
        one for one in plain if one.item_id != "i12"
    )


@settings(max_examples=200, deadline=None)
@given(
    st.integers(0, 25),
    st.integers(1, 12),
    st.lists(st.tuples(st.integers(1, 14), st.integers(0, 30)), max_size=4),
    st.floats(0.05, 1.0),
    st.sets(st.integers(0, 24), max_size=15),
)
def test_a_list_keeps_its_pins_its_promise_and_its_length(
    count: int, n: int, pins: list[tuple[int, int]], share: float, promoted: set[int]
) -> None:
    rules = [
        rule(f"pin{k}", {"kind": "pin", "slot": slot, "item_id": f"i{item}"})
        for k, (slot, item) in enumerate(pins)
    ]
    rules.append(rule("push", {"kind": "promote", "share": share}))
    plan = plan_rules(rules, Facts(), NOW)
    ranked = candidates(count, {number: {"push"} for number in promoted})
    pinned = {one.item_id: one for one in ranked}
    placed = place(plan, ranked, n, pinned)
    found = ids(placed.places)
    assert len(found) == len(set(found)) == min(n, count)
    for pin in plan.pins:
        if pin.item_id in pinned and pin.slot <= min(n, count):
            assert found[pin.slot - 1] == pin.item_id
    kept = [pin for pin in plan.pins if pin.item_id in pinned and pin.slot <= n]
    if not kept:
        wanted = min(int(share * n + 0.5), len(promoted & set(range(count))))
        assert sum(int(i[1:]) in promoted for i in found) >= min(wanted, len(found))
    own = {pin.item_id for pin in plan.pins}
    rest = [int(i[1:]) for i in found if i not in own and int(i[1:]) not in promoted]
    assert rest == sorted(rest)  # who is not touched stays in order


def test_overrides_reach_into_a_scenario_and_wrong_ones_are_named() -> None:
    home = BUILT_IN["home"]
    changed = overridden(home, {"lists.diversity": 0.5, "n": 3})
    assert (changed.lists.diversity, changed.n) == (0.5, 3)
    assert changed.lists.collapse_variants == home.lists.collapse_variants
    for bad in ({"lists.colour": 1}, {"lists.diversity": 3}, {"n.deep": 1}, {"": 1}):
        with pytest.raises(InputError):
            overridden(home, bad)
    with pytest.raises(ValidationError):
        ScenarioSettings(sources=())
