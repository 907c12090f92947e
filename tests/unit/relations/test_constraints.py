"""What stated relations hold back, and what goes with what."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.relations import Relation, Relations, held_back
from recsys.relations.relations import IfThen
from recsys.schemas import RELATIONS


def stated(*rows: tuple[str, str, str]) -> Relations:
    table = pa.table(
        [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], [1.0] * len(rows)],
        schema=RELATIONS,
    )
    return Relations.from_table(table)


SHOP = stated(
    ("variant_of", "red", "blue"),
    ("variant_of", "green", "red"),
    ("substitutes", "tea", "coffee"),
    ("compatible_with", "case-x", "phone-x"),
    ("compatible_with", "case-y", "phone-y"),
)


Held = list[tuple[str, str, str]]


def names(*items: str, around: tuple[str, ...] = (), bought: tuple[str, ...] = ()) -> Held:
    found = held_back(SHOP, items, around=around, bought=bought)
    return [(one.item_id, one.relation.value, one.because_of) for one in found]


def test_one_variant_of_a_product_stays_the_first_one() -> None:
    both = [("blue", "variant_of", "green"), ("red", "variant_of", "green")]
    assert names("green", "x", "blue", "red") == both


def test_a_variant_of_what_was_just_bought_is_no_news() -> None:
    assert names("green", "red", bought=("red",)) == [("green", "variant_of", "red")]


def test_an_accessory_must_fit_what_the_list_is_around_if_that_has_accessories() -> None:
    assert names("case-x", "case-y", "x", around=("phone-x",)) == [("case-y", "compatible_with", "phone-x")]
    assert names("case-x", "case-y", around=("phone-x", "phone-y")) == []
    assert names("case-x", "case-y", around=("case-x",)) == []  # beside a case other cases may stand
    assert names("case-x", "case-y") == []


def test_what_does_for_a_purchase_is_held_and_the_purchase_itself_is_not() -> None:
    assert names("tea", "x", bought=("coffee",)) == [("tea", "substitutes", "coffee")]
    assert names("tea", "coffee", bought=("coffee", "tea")) == []


@settings(max_examples=40, deadline=None)
@given(st.permutations(["red", "blue", "green", "tea", "case-x", "case-y", "x"]), st.booleans())
def test_what_is_left_keeps_the_constraints_and_has_one_of_each_product(order: list[str], cart: bool) -> None:
    around = ("phone-x",) if cart else ()
    held = {one.item_id for one in held_back(SHOP, order, around=around)}
    left = [item for item in order if item not in held]
    assert held_back(SHOP, left, around=around) == []
    assert len({"red", "blue", "green"} & set(left)) == 1
    assert held_back(SHOP, order, around=around, kinds=[Relation.SUBSTITUTES]) == []


def test_complements_of_several_are_added_up_and_named_after_the_strongest() -> None:
    shop = Relations(complements={"a": {"x": 1.0, "y": 3.0}, "b": {"x": 4.0, "a": 9.0}})
    assert shop.beside(["a", "b", "a"]) == [("x", "b", 5.0), ("y", "a", 3.0)]
    assert shop.beside([]) == []


def test_the_heaviest_rule_comes_first() -> None:
    table = pa.table(
        [["if_then"] * 2, ["brand:A", "brand:A"], ["brand:B", "category:C"], [1.0, 2.0]], schema=RELATIONS
    )
    rules: tuple[IfThen, ...] = Relations.from_table(table).told_by({"brand": "A"})
    assert [str(rule.shows) for rule in rules] == ["category:C", "brand:B"]
    assert not Relations()
    assert Relations.from_table(table)
