"""Conditions: a truth table, what of another kind never holds, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from recsys.merchandising import Facts
from recsys.merchandising.conditions import When

CONDITION: TypeAdapter[Any] = TypeAdapter(When)
FACTS = Facts(
    "home",
    {"age": 30, "spent": 12.5, "vip": True, "segments": ["new", "vip"], "city": "Köln Süd"},
    {"country": "DE", "hour": 0},
)


def leaf(field: str, op: str, value: Any = None) -> dict[str, Any]:
    """A leaf; without a value where it is None."""
    return {"field": field, "op": op} | ({} if value is None else {"value": value})


def holds(raw: dict[str, Any], facts: Facts = FACTS) -> bool:
    """Whether the condition in `raw` holds."""
    found: bool = CONDITION.validate_python(raw).holds(facts)
    return found


@pytest.mark.parametrize(
    ("field", "op", "value", "expected"),
    [
        ("user.age", "==", 30, True),
        ("user.age", "==", 30.0, True),
        ("user.age", "!=", 31, True),
        ("user.age", "<=", 30, True),
        ("user.age", "<", 30, False),
        ("context.hour", "==", 0, True),
        ("context.hour", "exists", True, True),
        ("user.vip", "==", True, True),
        ("user.vip", "!=", False, True),
        ("user.segments", "==", ["new", "vip"], True),
        ("user.segments", "contains", "vip", True),
        ("user.segments", "contains", "VIP", False),
        ("user.city", "contains", "SÜD", True),
        ("user.city", "contains", "Nord", False),
        ("context.country", "in", ["AT", "DE"], True),
        ("context.country", "not_in", ["AT"], True),
        ("context.country", "in", [], False),
        ("context.country", "not_in", [], True),
        ("user.spent", "in", [12.5, 13], True),
    ],
)
def test_a_leaf_holds_as_it_reads(field: str, op: str, value: Any, expected: bool) -> None:
    assert holds(leaf(field, op, value)) is expected


@pytest.mark.parametrize("op", ["==", "!=", "in", "not_in"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user.age", "30"),
        ("user.vip", 1),
        ("context.hour", False),
        ("user.segments", "vip"),
        ("context.country", 3),
        ("user.absent", "x"),
        ("context.absent", 0),
    ],
)
def test_a_fact_that_is_absent_or_of_another_kind_never_holds(field: str, op: str, value: Any) -> None:
    raw = leaf(field, op, [value] if "in" in op else value)
    assert not holds(raw)
    assert holds({"not": raw})


@pytest.mark.parametrize("op", ["<", "<=", ">", ">="])
def test_only_numbers_have_an_order(op: str) -> None:
    assert not holds(leaf("context.country", op, 1))
    assert not holds(leaf("user.vip", op, 0))
    assert not holds(leaf("user.absent", op, 0))


def test_absence_is_asked_for_by_exists_alone() -> None:
    assert holds(leaf("user.absent", "exists", False))
    assert not holds(leaf("user.absent", "exists"))
    assert not holds(leaf("user.age", "exists", False))
    assert holds(leaf("scenario", "exists"))
    assert not holds(leaf("scenario", "exists"), Facts())


@given(st.lists(st.booleans(), max_size=5))
def test_all_any_and_not_are_what_they_are_in_logic(truths: list[bool]) -> None:
    parts = [leaf("user.vip", "==", truth) for truth in truths]
    assert holds({"all": parts}) is all(truths)
    assert holds({"any": parts}) is any(truths)
    assert holds({"not": {"any": parts}}) is holds({"all": [{"not": part} for part in parts]})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "one of"),
        ({"field": "weather", "op": "exists"}, "user.<name>"),
        ({"field": "user.", "op": "exists"}, "user.<name>"),
        ({"field": "item.brand", "op": "exists"}, "context.<name>"),
        ({"field": "user.a", "op": "~", "value": 1}, "contains"),
        ({"field": "user.a", "op": "=="}, "not None"),
        ({"field": "user.a", "op": "<", "value": "5"}, "a number"),
        ({"field": "user.a", "op": "<", "value": True}, "a number"),
        ({"field": "user.a", "op": "==", "value": float("nan")}, "not nan"),
        ({"field": "user.a", "op": "in", "value": "DE"}, "a list"),
        ({"field": "user.a", "op": "in", "value": ["DE", 1]}, "one kind"),
        ({"field": "user.a", "op": "not_in", "value": ["x"] * 1_001}, "1000 values"),
        ({"field": "user.a", "op": "==", "value": [1, 2]}, "a list of texts"),
        ({"field": "user.a", "op": "contains"}, "a text"),
        ({"field": "user.a", "op": "contains", "value": ""}, "a text"),
        ({"field": "user.a", "op": "exists", "value": "yes"}, "true or false"),
        ({"all": [], "any": []}, "not permitted"),
        ({"all": [{"all": [leaf("user.a", "exists")] * 11}] * 10}, "at most 100 parts"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_was_expected(raw: Any, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CONDITION.validate_python(raw)


@pytest.mark.parametrize(("nots", "fits"), [(7, True), (8, False), (60, False), (3_000, False)])
def test_a_condition_is_at_most_eight_levels_deep(nots: int, fits: bool) -> None:
    raw = leaf("user.a", "exists")
    for _ in range(nots):
        raw = {"not": raw}
    if fits:
        assert CONDITION.validate_python(raw) is not None
    else:
        with pytest.raises(ValidationError, match="8 levels"):
            CONDITION.validate_python(raw)


def test_a_condition_comes_back_from_its_json_as_it_was() -> None:
    raw = {"any": [{"not": leaf("user.age", "in", [1, 2])}, {"all": [leaf("user.vip", "==", True)]}]}
    one = CONDITION.validate_python(raw)
    said = CONDITION.dump_json(one, by_alias=True, exclude_unset=True)
    assert json.loads(said) == raw
    assert CONDITION.validate_json(said) == one
