"""Rules: what is refused, dates, contradictions, what is hidden; scenarios and their overrides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from recsys.errors import InputError
from recsys.filters import parse_filter
from recsys.merchandising import Facts, Ranked, Rule, adjusted, plan_rules
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


@pytest.mark.parametrize(
    "zone", [UTC, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=11))]
)
def test_a_date_is_a_moment_whatever_the_zone_it_is_written_in(zone: timezone) -> None:
    one = rule("r", {"kind": "hide"}, valid_until=NOW.astimezone(zone).isoformat())
    assert one.counts(Facts(), NOW - timedelta(microseconds=1))
    assert not one.counts(Facts(), NOW)
    with pytest.raises(ValidationError, match="timezone"):
        rule("r", {"kind": "hide"}, valid_until="2026-04-01T12:00:00")


def test_a_clock_that_is_set_back_brings_a_rule_back_and_nothing_else() -> None:
    one = rule("r", {"kind": "hide"}, valid_from=NOW, valid_until=NOW + timedelta(days=1))
    moments = [NOW + timedelta(hours=hours) for hours in (1, 25, -400 * 24, 2)]
    assert [not plan_rules([one], Facts(), at).is_empty for at in moments] == [True, False, False, True]


def test_hidden_items_are_those_that_no_hiding_rule_names() -> None:
    brands = pa.table({"brand": ["x", "y", "z", None]})
    rules = [
        Rule.model_validate(
            {
                "rule_id": name,
                "items": {"field": "brand", "op": "==", "value": name},
                "effect": {"kind": "hide"},
            }
        )
        for name in ("x", "z")
    ]
    plan = plan_rules([*rules, rule("late", {"kind": "hide"}, valid_from=NOW + timedelta(1))], Facts(), NOW)
    assert plan.visible is not None
    assert parse_filter(plan.visible.model_dump(by_alias=True)).mask(brands).tolist() == [
        False,
        True,
        False,
        True,
    ]
    assert [name for name, _ in plan.hidden] == ["x", "z"]
    assert plan_rules([], Facts(), NOW).visible is None


def test_a_pin_that_had_to_move_goes_past_every_place_that_is_taken() -> None:
    rules = [rule(f"p{k}", {"kind": "pin", "slot": 1, "item_id": f"i{k}"}, priority=-k) for k in range(4)]
    rules.append(rule("own", {"kind": "pin", "slot": 3, "item_id": "z"}, priority=9))
    plan = plan_rules(rules, Facts(), NOW)
    assert [(pin.slot, pin.item_id) for pin in plan.pins] == [
        (1, "i0"), (2, "i1"), (3, "z"), (4, "i2"), (5, "i3"),
    ]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1.0), st.integers(0, 3)), max_size=6))
def test_promotions_never_ask_for_more_than_all_places(promotions: list[tuple[float, int]]) -> None:
    rules = [
        rule(f"r{k}", {"kind": "promote", "share": share}, priority=priority)
        for k, (share, priority) in enumerate(promotions)
    ]
    plan = plan_rules(rules, Facts(), NOW)
    assert sum(one.share for one in plan.promotions) <= 1.0 + 1e-9
    asked = {f"r{k}": share for k, (share, _) in enumerate(promotions)}
    cut = [one for one in plan.promotions if one.share < asked[one.rule_id] - 1e-9]
    assert len(cut) <= 1
    gone = len(promotions) - len(plan.promotions)
    assert len(plan.conflicts) == len(cut) + gone


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


def test_overrides_reach_into_a_scenario_and_wrong_ones_are_named() -> None:
    home = BUILT_IN["home"]
    changed = overridden(home, {"lists.diversity": 0.5, "n": 3})
    assert (changed.lists.diversity, changed.n) == (0.5, 3)
    assert changed.lists.collapse_variants == home.lists.collapse_variants
    whole = {"lists": {"diversity": 0.1}, "lists.diversity": 0.2}
    for said in (whole, dict(reversed(whole.items()))):
        assert overridden(home, said).lists.diversity == 0.2
    assert whole["lists"] == {"diversity": 0.1}, "the caller's own stay as they are"
    with pytest.raises(InputError, match="diversity, freshness"):
        overridden(home, {"lists.diversty": 1})
    for bad in ({"lists.colour": 1}, {"lists.diversity": 3}, {"n.deep": 1}, {"": 1}):
        with pytest.raises(InputError):
            overridden(home, bad)
    with pytest.raises(ValidationError):
        ScenarioSettings(sources=())
