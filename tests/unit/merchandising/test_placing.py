"""Laws of the list that keeps the rules, whatever they are and however they meet."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.merchandising import Facts, Placed, Ranked, Rule, RulePlan, adjusted, changes, place, plan_rules

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
ITEMS = {"field": "brand", "op": "==", "value": "x"}
Matches = dict[str, set[int]]


def plan_of(*effects: tuple[str, dict[str, Any]], priorities: dict[str, int] | None = None) -> RulePlan:
    """The plan of named effects; candidates say themselves which rules they match."""
    rules = []
    for name, effect in effects:
        items = {} if effect["kind"] == "pin" else {"items": ITEMS}
        priority = (priorities or {}).get(name, 0)
        rules.append(Rule.model_validate({"rule_id": name, "effect": effect, "priority": priority, **items}))
    return plan_rules(rules, Facts(), NOW)


def candidates(count: int, matches: Matches | None = None) -> list[Ranked]:
    """`i0`, `i1`, ... by falling score, with the rules that name their numbers."""
    found = matches or {}
    return [
        Ranked(f"i{k}", "personal", float(count - k), frozenset(name for name in found if k in found[name]))
        for k in range(count)
    ]


def ids(places: Any) -> list[str]:
    """Ids in order."""
    return [one.item_id for one in places]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[RulePlan, list[Ranked], int, dict[str, Ranked], Matches]:
    """Pins, promotions of items that do not overlap, a boost and a bury over up to 25 candidates."""
    count, n = draw(st.integers(0, 25)), draw(st.integers(1, 12))
    numbers = st.integers(0, 29)
    pins = draw(st.lists(st.tuples(st.integers(1, 14), numbers), max_size=5))
    shares = draw(st.lists(st.floats(0.05, 1.0), max_size=4))
    owner = draw(st.lists(st.integers(0, 5), min_size=30, max_size=30))
    matches = {f"push{k}": {item for item in range(30) if owner[item] == k} for k in range(len(shares))} | {
        name: draw(st.sets(numbers, max_size=8)) for name in ("lift", "sink")
    }
    effects: list[tuple[str, dict[str, Any]]] = [
        (f"pin{k}", {"kind": "pin", "slot": slot, "item_id": f"i{item}"})
        for k, (slot, item) in enumerate(pins)
    ]
    effects += [(f"push{k}", {"kind": "promote", "share": share}) for k, share in enumerate(shares)]
    effects += [("lift", {"kind": "boost", "factor": 4.0}), ("sink", {"kind": "bury", "factor": 0.1})]
    priorities = {name: draw(st.integers(0, 2)) for name, _ in effects}
    ranked = candidates(count, matches)
    pinned = {one.item_id: one for one in ranked if draw(st.booleans())}
    plan = plan_of(*effects, priorities=priorities)
    return plan, adjusted(plan, ranked), n, pinned, matches


def number_of(item_id: str) -> int:
    """The number in an id."""
    return int(item_id[1:])


@settings(max_examples=400, deadline=None)
@given(scenes())
def test_a_list_has_its_length_no_repeats_and_every_pin_in_its_place(
    scene: tuple[RulePlan, list[Ranked], int, dict[str, Ranked], Matches],
) -> None:
    plan, ranked, n, pinned, _ = scene
    placed = place(plan, ranked, n, pinned)
    found = ids(placed.places)
    assert len(found) == len(set(found)) == min(n, len(ranked))
    for pin in plan.pins:
        named = any(text.startswith(f"{pin.rule_id}: ") for text in placed.conflicts)
        if pin.item_id in pinned and pin.slot <= min(n, len(found)):
            assert found[pin.slot - 1] == pin.item_id
            assert pin.rule_id in placed.places[pin.slot - 1].rules
        elif pin.item_id not in pinned or pin.slot > n:
            assert named
    assert place(plan, ranked, n, pinned) == placed


@settings(max_examples=400, deadline=None)
@given(scenes())
def test_promotions_get_their_places_or_the_answer_says_why_not(
    scene: tuple[RulePlan, list[Ranked], int, dict[str, Ranked], Matches],
) -> None:
    plan, ranked, n, pinned, matches = scene
    placed = place(plan, ranked, n, pinned)
    shown = {number_of(one.item_id) for one in placed.places}
    there = {number_of(one.item_id) for one in ranked}
    short = {text.partition(":")[0] for text in placed.conflicts if " places, " in text}
    total = 0
    for promotion in plan.promotions:
        own = matches[promotion.rule_id]
        if promotion.rule_id not in short:
            assert len(own & shown) > promotion.share * n - 1.0
            total += len(own & shown)
        elif not plan.pins:
            assert len(own & there) < promotion.share * n + 1.0
            assert own & there <= shown, "all there are were taken"
    if not short and plan.promotions:
        assert total >= math.floor(sum(one.share for one in plan.promotions) * n + 0.5 - 1e-6)


@settings(max_examples=300, deadline=None)
@given(scenes())
def test_items_that_no_rule_touches_keep_their_order_and_every_touch_is_named(
    scene: tuple[RulePlan, list[Ranked], int, dict[str, Ranked], Matches],
) -> None:
    plan, ranked, n, pinned, matches = scene
    placed = place(plan, ranked, n, pinned)
    touched = set().union(*matches.values()) | {number_of(pin.item_id) for pin in plan.pins}
    plain = [number_of(one.item_id) for one in placed.places if number_of(one.item_id) not in touched]
    assert plain == sorted(plain)
    assert {name for one in placed.places for name in one.rules} <= set(placed.applied)
    for one in placed.places:
        if number_of(one.item_id) not in touched:
            assert one.rules == ()


def test_without_rules_a_list_is_the_best_of_its_candidates() -> None:
    ranked = candidates(7)
    assert place(RulePlan(), ranked, 4) == Placed(tuple(ranked[:4]))
    assert place(RulePlan(), [], 4) == Placed(())


def test_a_boost_whose_item_another_rule_displaced_is_not_named() -> None:
    plan = plan_of(("lift", {"kind": "boost", "factor": 1.01}), ("push", {"kind": "promote", "share": 1.0}))
    placed = place(plan, adjusted(plan, candidates(10, {"lift": {1}, "push": {7, 8}})), 2)
    assert ids(placed.places) == ["i7", "i8"]
    assert placed.applied == ("push",)


def test_two_halves_of_three_places_are_two_and_one() -> None:
    plan = plan_of(("a", {"kind": "promote", "share": 0.5}), ("b", {"kind": "promote", "share": 0.5}))
    placed = place(plan, candidates(10, {"a": {5, 6}, "b": {7, 8}}), 3)
    assert sorted(ids(placed.places)) == ["i5", "i6", "i7"]
    assert placed.conflicts == ()


def test_a_pin_costs_a_promotion_no_place_and_counts_where_it_is_one_of_its_items() -> None:
    plan = plan_of(
        ("a", {"kind": "promote", "share": 0.5}), ("p", {"kind": "pin", "slot": 1, "item_id": "i9"})
    )
    plain = candidates(10, {"a": {6, 7, 8}})
    assert [one.item_id for one in place(plan, plain, 4, {"i9": plain[9]}).places if "a" in one.rules] == [
        "i6",
        "i7",
    ]
    own = candidates(10, {"a": {6, 7, 8, 9}})
    placed = place(plan, own, 4, {"i9": own[9]})
    assert sum("a" in one.matched for one in placed.places) == 2
    assert ids(placed.places)[0] == "i9"


def test_an_item_of_two_promotions_counts_for_the_first_only() -> None:
    halves = [(name, {"kind": "promote", "share": 0.5}) for name in ("a", "b")]
    ranked = candidates(10, {"a": {5, 6}, "b": {5, 6, 7, 8}})
    placed = place(plan_of(*halves), ranked, 4)
    assert sorted(ids(placed.places)) == ["i5", "i6", "i7", "i8"]
    assert placed.conflicts == ()
    pin = ("p", {"kind": "pin", "slot": 1, "item_id": "i5"})
    bare = Ranked("i5", "rule", 0.0)  # that it matches is known from its candidate
    placed = place(plan_of(*halves, pin), ranked, 4, {"i5": bare})
    assert ids(placed.places)[0] == "i5"
    assert sorted(ids(placed.places)) == ["i5", "i6", "i7", "i8"]
    assert placed.conflicts == ()


def test_pins_that_leave_no_place_for_a_promotion_are_blamed() -> None:
    pins = [(f"p{k}", {"kind": "pin", "slot": k, "item_id": f"i{k}"}) for k in (1, 2, 3)]
    plan = plan_of(("a", {"kind": "promote", "share": 0.5}), *pins)
    ranked = candidates(10, {"a": {6, 7, 8}})
    placed = place(plan, ranked, 4, {one.item_id: one for one in ranked})
    assert ids(placed.places) == ["i1", "i2", "i3", "i6"]
    assert placed.conflicts == ("a: 1 of 2 places, the others are pinned",)


def test_a_bury_is_named_where_it_took_an_item_out_of_the_list_and_only_there() -> None:
    plan = plan_of(("sink", {"kind": "bury", "factor": 0.05}))
    placed = place(plan, adjusted(plan, candidates(10, {"sink": {0}})), 3)
    assert ids(placed.places) == ["i1", "i2", "i3"]
    assert placed.applied == ("sink",)
    assert place(plan, adjusted(plan, candidates(10, {"sink": {8}})), 3).applied == ()


@pytest.mark.parametrize("score", [0.0, 0.1, -3.0, 1e15])
def test_a_small_boost_decides_among_equal_scores(score: float) -> None:
    plan = plan_of(("lift", {"kind": "boost", "factor": 1.01}))
    ranked = [Ranked(f"i{k}", "personal", score, frozenset({"lift"} if k == 6 else ())) for k in range(10)]
    assert ids(adjusted(plan, ranked)) == ["i6", "i0", "i1", "i2", "i3", "i4", "i5", "i7", "i8", "i9"]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=20),
    st.sets(st.integers(0, 19)),
    st.floats(1.05, 20.0),
    st.floats(1.05, 20.0),
)
def test_a_larger_boost_never_leaves_an_item_lower(
    scores: list[int], matched: set[int], one: float, other: float
) -> None:
    ordered = sorted(scores, reverse=True)
    ranked = [
        Ranked(f"i{k}", "personal", float(score), frozenset({"lift"} if k in matched else ()))
        for k, score in enumerate(ordered)
    ]
    factors = sorted((one, other))
    lower, higher = (
        ids(adjusted(plan_of(("lift", {"kind": "boost", "factor": factor})), ranked)) for factor in factors
    )
    own = [name for name in ids(ranked) if number_of(name) in matched]
    for kept in (lower, higher):
        assert [name for name in kept if number_of(name) in matched] == own
    assert all(higher.index(name) <= lower.index(name) <= ids(ranked).index(name) for name in own)


def test_factors_of_several_rules_multiply_and_stay_within_bounds() -> None:
    lift = ("lift", {"kind": "boost", "factor": 4.0})
    both = plan_of(lift, ("sink", {"kind": "bury", "factor": 0.25}))
    ranked = candidates(10, {"lift": {5}, "sink": {5}})
    assert ids(adjusted(both, ranked)) == ids(ranked)
    many = plan_of(*((f"lift{k}", {"kind": "boost", "factor": 20.0}) for k in range(5)))
    once = plan_of(("lift0", {"kind": "boost", "factor": 20.0}))
    ranked = candidates(40, {f"lift{k}": {39} for k in range(5)})
    assert ids(adjusted(many, ranked)) == ids(adjusted(once, ranked))


def test_a_dry_run_says_where_each_item_went_and_by_which_rule() -> None:
    found = changes(["a", "b", "c"], ["x", "b", "a"], {"x": ["pin"], "c": ["sink"]})
    assert [(one.item_id, one.before, one.after, one.rules) for one in found] == [
        ("x", None, 1, ("pin",)),
        ("a", 1, 3, ()),
        ("c", 3, None, ("sink",)),
    ]
    assert changes(["a", "b"], ["a", "b"], {"a": ["lift"]}) == ()
