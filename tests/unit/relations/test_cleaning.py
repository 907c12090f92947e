"""Rows of relations: what is kept, what is set aside and why."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.config import ImportConfig
from recsys.relations import Relations
from recsys.relations.cleaning import ALIASES, RelationsCleaner, lacking_columns
from recsys.relations.file import relations_bytes
from recsys.relations.known import KnownThings
from recsys.schemas import Cleaned

ITEMS = [
    {"item_id": name, "category": f"Shop/{name[0]}", "brand": "Acme", "attributes": [("socket", "E27")]}
    for name in ("a1", "a2", "b1", "b2")
]


def cleaned(*rows: dict[str, object]) -> Cleaned:
    known = KnownThings()
    known.see(ITEMS)
    table = pa.Table.from_pylist([{name: row.get(name) for name in ALIASES} for row in rows])
    return RelationsCleaner(known, ImportConfig()).clean(table, "file")


def pair(one: str, relation: str, other: str, **more: object) -> dict[str, object]:
    return {"item_id": one, "relation": relation, "other_item_id": other, **more}


def above(category: str, parent: str) -> dict[str, object]:
    return {"category": category, "parent": parent}


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([pair("a1", "complements", "zz")], "unknown_item"),
        ([pair("a1", "complements", "a1")], "self_loop"),
        ([pair("a1", "likes", "a2")], "unknown_relation"),
        ([pair("a1", "complements", "")], "missing_id"),
        ([pair("a1", "complements", "a2", weight="-2")], "bad_weight"),
        ([pair("a1", "complements", "a2", weight="much")], "bad_weight"),
        ([pair("a1", "complements", "a2"), pair("a1", "Complements", "a2", weight="3")], "duplicate"),
        ([pair("a1", "substitutes", "a2"), pair("a2", "substitutes", "a1")], "duplicate"),
        ([above("Shop", "Shop")], "self_loop"),
        ([above("Nowhere", "Shop")], "unknown_category"),
        ([above("Shop/a", "")], "missing_side"),
        ([above("Shop/a", "X"), above("Shop/a", "Y")], "second_parent"),
        ([above("Shop/a", "X"), above("X", "Y"), above("Y", "Shop/a")], "cycle"),
        ([above("Shop", "Shop/a")], "cycle"),  # its path says the opposite
        ([{"if": "category:Shop/a", "then": "colour"}], "bad_trait"),
        ([{"if": "category:Shop/a", "then": "brand:Nobody"}], "unknown_trait"),
        ([{"if": "brand:Acme", "then": "brand:Acme"}], "self_loop"),
    ],
)
def test_the_last_row_is_set_aside_with_its_reason(rows: list[dict[str, object]], reason: str) -> None:
    found = cleaned(*rows)
    assert found.bad.column("reason").to_pylist() == [reason]
    assert found.bad.column("row").to_pylist() == [len(rows)]
    assert found.good.num_rows == len(rows) - 1


def test_rows_of_every_shape_are_kept_and_directed_ones_both_ways() -> None:
    found = cleaned(
        pair("a1", "complements", "b1", weight="2,5"),
        pair("b1", "complements", "a1"),
        pair("a1", "compatible with", "b2"),
        pair("a2", "variant-of", "a1"),
        above("Y", "Z"),  # before the row that makes Y known
        above("Shop", "Y"),
        {"if": "category: Shop > a", "then": "attributes.socket:E27", "weight": "2"},
    )
    assert found.bad.num_rows == 0
    stated = Relations.from_table(found.good)
    assert stated.complements == {"a1": {"b1": 2.5}, "b1": {"a1": 1.0}}
    assert stated.fits == {"a1": {"b2": 1.0}}
    assert stated.product_of == {"a1": "a1", "a2": "a1"}
    assert stated.parents == {"Y": "Z", "Shop": "Y"}
    assert [str(rule.has) for rule in stated.told_by({"category": "Shop/a/deep"})] == ["category:Shop/a"]
    assert not stated.told_by({"category": "Shop/ab"})


def test_a_file_needs_one_whole_shape_and_pairs_need_their_relation() -> None:
    assert lacking_columns(["item_id", "relation", "other_item_id"], ImportConfig()) is None
    assert lacking_columns(["category", "parent"], ImportConfig()) is None
    assert "relation" in (lacking_columns(["item_id", "other_item_id"], ImportConfig()) or "")
    assert "expected" in (lacking_columns(["title"], ImportConfig()) or "")


WORDS = ["a1", "b1", "complements", "Shop", "Shop/a", "brand:Acme"]
raw = st.one_of(st.none(), st.sampled_from(WORDS), st.text(max_size=6))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.fixed_dictionaries({name: raw for name in ALIASES}), max_size=5))
def test_every_row_is_kept_or_set_aside_whatever_it_holds(rows: list[dict[str, object]]) -> None:
    found = cleaned(*rows)
    assert found.good.num_rows + found.bad.num_rows == len(rows)
    Relations.from_table(found.good)


def test_the_file_does_not_depend_on_the_order_of_rows() -> None:
    rows = [pair("a1", "complements", "b1"), pair("a2", "substitutes", "b2"), above("Shop", "All")]
    assert relations_bytes(cleaned(*rows).good) == relations_bytes(cleaned(*rows[::-1]).good)
