"""Raw rows -> `RELATIONS`, judged one by one in the order of the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from recsys.catalog.fields import category_path, short_text
from recsys.columns import (
    CellRefusedError,
    Faults,
    clean_ids,
    clean_numbers,
    map_columns,
    missing_columns,
    plain_table,
    plain_values,
    quarantine_rows,
)
from recsys.config import ImportConfig
from recsys.errors import InputError
from recsys.relations.categories import comes_round
from recsys.relations.kinds import MUTUAL, OF_ITEMS, Relation
from recsys.relations.known import KnownThings
from recsys.relations.trait import Trait
from recsys.schemas import RELATIONS, Cleaned

ALIASES: dict[str, tuple[str, ...]] = {
    "item_id": ("id", "product_id", "sku"),
    "relation": ("relation_type", "kind", "type"),
    "other_item_id": ("other_id", "related_item_id", "related_id", "target_item_id"),
    "category": ("category_path", "child"),
    "parent": ("parent_category", "parent_path"),
    "if": ("when", "if_has"),
    "then": ("then_show", "then_offer"),
    "weight": ("strength", "score"),
}
PAIRS = (("item_id", "other_item_id"), ("category", "parent"), ("if", "then"))
"""The two sides of a row of each shape."""
MOST_WEIGHT = 1e6
Row = tuple[str, str, str, float]
Key = tuple[str, str, str]


def lacking_columns(found: Sequence[str], config: ImportConfig) -> str | None:
    """Why files with these columns state no relations, or None when they may."""
    mapped = map_columns(found, ALIASES, config.columns)
    whole = [pair for pair in PAIRS if mapped.keys() >= set(pair)]
    if not whole:
        wanted = " or ".join(" and ".join(pair) for pair in PAIRS)
        return f"expected {wanted}; found {', '.join(found)}"[:500]
    items_alone = whole == [PAIRS[0]]
    return missing_columns(found, mapped, (("relation",),) if items_alone else (), config.columns)


class RelationsCleaner:
    """Judges batches in turn; remembers what was accepted, so that repeats and cycles are seen.

    Reasons: `unknown_relation`, `missing_id` and the faults of ids, `bad_weight`, `unknown_item`,
    `unknown_category`, `unknown_trait`, `bad_trait`, `missing_side`, `self_loop`, `duplicate`,
    `second_parent`, `cycle`. Of two rows that do not go together the first one stays.
    """

    def __init__(self, known: KnownThings, config: ImportConfig) -> None:
        self._known, self._config = known, config
        self._said: set[Key] = set()
        self._parents: dict[str, str] = {}

    def clean(self, table: pa.Table, file: str, rows: Sequence[int] | None = None) -> Cleaned:
        """One batch; `rows` are its rows' numbers in the file, counted from 1 when absent."""
        table = plain_table(table)
        numbers = rows if rows is not None else range(1, table.num_rows + 1)
        mapped = map_columns(table.column_names, ALIASES, self._config.columns)
        columns, faults = _columns(table, mapped)
        self._reach(columns["category"], columns["parent"])
        good: list[Row] = []
        for number in range(table.num_rows):
            if number in faults:
                continue
            try:
                good.append(self._judged({name: values[number] for name, values in columns.items()}))
            except CellRefusedError as fault:
                faults[number] = fault.reason, str(fault)
        return Cleaned(_table(good), quarantine_rows(table, faults, file, numbers))

    def _judged(self, row: Mapping[str, Any]) -> Row:
        relation, source, target = self._sides(row)
        if source == target:
            raise CellRefusedError("self_loop", f"expected two different sides; found {source!r} twice")
        if relation is Relation.PARENT_CATEGORY:
            self._add_parent(source, target)
        key = _key(relation, source, target)
        if key in self._said:
            raise CellRefusedError("duplicate", "expected a statement once; found it again")
        self._said.add(key)
        weight = row["weight"]
        return relation.value, source, target, 1.0 if weight is None else weight

    def _sides(self, row: Mapping[str, Any]) -> tuple[Relation, str, str]:
        """Which relation it is, by the columns that are filled, and its two sides."""
        if row["if"] or row["then"]:
            return Relation.IF_THEN, str(self._trait(row["if"])), str(self._trait(row["then"]))
        if row["category"] or row["parent"]:
            for side in PAIRS[1]:
                self._require(bool(row[side]), "missing_side", side, row[side])
            self._require(
                row["category"] in self._known.categories, "unknown_category", "a category", row["category"]
            )
            return Relation.PARENT_CATEGORY, row["category"], row["parent"]
        found = str(row["relation"] or "").strip().lower().replace("-", "_").replace(" ", "_")
        if found not in OF_ITEMS:
            names = ", ".join(sorted(OF_ITEMS))
            raise CellRefusedError("unknown_relation", f"expected one of {names}; found {found[:80]!r}")
        for side in PAIRS[0]:
            self._require(row[side] is not None, "missing_id", side, row[side])
            self._require(row[side] in self._known.item_ids, "unknown_item", side, row[side])
        return Relation(found), row["item_id"], row["other_item_id"]

    def _trait(self, text: str | None) -> Trait:
        try:
            trait = Trait.parse(text or "")
        except InputError as error:
            raise CellRefusedError("bad_trait", str(error)) from None
        self._require(self._known.has(trait), "unknown_trait", "a trait of some item", str(trait))
        return trait

    def _require(self, holds: bool, reason: str, expected: str, found: object) -> None:
        if not holds:
            raise CellRefusedError(reason, f"expected {expected} of the catalog; found {str(found)[:80]!r}")

    def _add_parent(self, category: str, parent: str) -> None:
        known = self._parents.get(category)
        if known == parent:
            raise CellRefusedError("duplicate", "expected a statement once; found it again")
        if known is not None:
            raise CellRefusedError("second_parent", f"expected one parent; found {known!r} and {parent!r}")
        self._parents[category] = parent
        if comes_round(category, self._parents):
            del self._parents[category]
            raise CellRefusedError("cycle", f"expected a parent above; {parent!r} is within {category!r}")

    def _reach(self, children: Sequence[str | None], parents: Sequence[str | None]) -> None:
        """Know the parents of known categories, in whatever order a batch names them."""
        edges = {(child, parent) for child, parent in zip(children, parents, strict=True) if child and parent}
        while reached := {edge for edge in edges if edge[0] in self._known.categories}:
            self._known.categories |= {parent for _, parent in reached}
            edges -= reached


def _columns(table: pa.Table, mapped: Mapping[str, str]) -> tuple[dict[str, list[Any]], Faults]:
    """The values of every field of the contract, None where a file lacks it, and what resists."""
    columns: dict[str, list[Any]] = {name: [None] * table.num_rows for name in ALIASES}
    faults: Faults = {}
    for name in mapped:
        raw = table.column(mapped[name])
        if name not in ("item_id", "other_item_id", "weight"):
            read = category_path if name in PAIRS[1] else short_text
            columns[name] = [read(value) for value in plain_values(raw)]
            continue
        number = name == "weight"
        cleaned = clean_numbers(raw, "bad_weight") if number else clean_ids(raw, required=False)
        columns[name] = cleaned.values.to_pylist()
        for row, fault in cleaned.faults.items():
            faults.setdefault(row, fault)
    for row, weight in enumerate(columns["weight"]):
        if weight is not None and not 0.0 < weight <= MOST_WEIGHT:
            faults.setdefault(
                row, ("bad_weight", f"expected above 0, at most {MOST_WEIGHT:g}; found {weight}")
            )
    return columns, faults


def _key(relation: Relation, source: str, target: str) -> Key:
    swapped = relation in MUTUAL and target < source
    return (relation.value, target, source) if swapped else (relation.value, source, target)


def _table(rows: Sequence[Row]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, RELATIONS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=RELATIONS)
