"""What the built-in shop states of its items: kinds that are used together, and if-then rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa

from recsys.shop.vocabulary import categories, pairs

PER_KIND = 2
"""Items of one kind that are stated to go with an item."""
STATED = pa.schema(
    [
        ("item_id", pa.string()),
        ("relation", pa.string()),
        ("other_item_id", pa.string()),
        ("if", pa.string()),
        ("then", pa.string()),
        ("weight", pa.float64()),
    ]
)
"""Columns as `recsys import relations` reads them."""
Row = Mapping[str, Any]


def make_relations(items: pa.Table) -> pa.Table:
    """The statements about a catalog of the built-in shop, `STATED`; nothing in them is drawn by chance."""
    rows = items.select(["item_id", "title", "category", "brand", "available", "attributes"]).to_pylist()
    offered = _offered(rows)
    found = [stated for row in rows for stated in _complements(row, offered)]
    return pa.Table.from_pylist([*found, *_rules({row["category"] for row in rows})], schema=STATED)


def kind_of(row: Row) -> str:
    """What an item is: the noun that its title has before what it is for, or before its other colour."""
    base = _base(row["title"]).split(",")[0]
    return max((noun for noun in _nouns()[row["category"]] if base.endswith(noun)), key=len, default="")


def _base(title: str) -> str:
    return title.rsplit(" (", 1)[0] if title.endswith(")") else title


@cache
def _nouns() -> dict[str, tuple[str, ...]]:
    return {category.path: category.nouns for category in categories()}


def _offered(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Items to be had by kind; of one that comes in several colours the first."""
    first = {_base(row["title"]): row for row in reversed(rows) if row["available"]}
    found: dict[str, list[Row]] = {}
    for row in first.values():
        found.setdefault(kind_of(row), []).append(row)
    return found


def _complements(row: Row, offered: Mapping[str, Sequence[Row]]) -> list[Row]:
    """What goes with one item: of each kind those that match it best, weighed by how well they do."""
    kinds = [other for kind, others in pairs("goes_with.txt") if kind == kind_of(row) for other in others]
    return [
        {
            "item_id": row["item_id"],
            "relation": "complements",
            "other_item_id": other["item_id"],
            "weight": 1.0 + _shared(row, other),
        }
        for kind in kinds
        for other in sorted(offered.get(kind, ()), key=lambda one: (-_shared(row, one), one["item_id"]))[
            :PER_KIND
        ]
    ]


def _shared(one: Row, other: Row) -> int:
    """How many of brand, colour, material and style two items have in common."""
    return len(_looks(one) & _looks(other))


def _looks(row: Row) -> set[tuple[str, str]]:
    return {("brand", row["brand"]), *row["attributes"]}


def _rules(sold: set[str]) -> list[Row]:
    """Rules between categories that both have items; the importer would set the others aside."""
    return [
        {"if": f"category:{has}", "then": f"category:{other}", "weight": 1.0}
        for has, others in pairs("rules.txt")
        for other in others
        if {has, other} <= sold
    ]
