"""What a shop has stated, ready to be asked about items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from recsys.relations.graph import Edge, ItemGraph
from recsys.relations.kinds import Relation
from recsys.relations.trait import Trait

Sides = Mapping[str, Mapping[str, float]]
"""Source -> target -> weight."""


@dataclass(frozen=True)
class IfThen:
    """A rule between traits."""

    has: Trait
    shows: Trait
    weight: float


@dataclass(frozen=True, eq=False)
class Relations:
    """Immutable; empty where a shop states nothing."""

    complements: Sides = field(default_factory=dict)
    substitutes: Sides = field(default_factory=dict)
    """Both ways."""
    fits: Sides = field(default_factory=dict)
    """Accessory -> what it fits."""
    product_of: Mapping[str, str] = field(default_factory=dict)
    """Item -> name of the product whose variant it is; those of one product have one name."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """Category -> stated parent."""
    rules: tuple[IfThen, ...] = ()
    """Heaviest first."""

    @classmethod
    def from_table(cls, table: pa.Table) -> Relations:
        """From rows of `RELATIONS`."""
        rows: dict[str, list[tuple[str, str, float]]] = {kind.value: [] for kind in Relation}
        columns = (table.column(name).to_pylist() for name in ("relation", "source", "target", "weight"))
        for kind, source, target, weight in zip(*columns, strict=True):
            rows[kind].append((source, target, weight))
        swapped = [(target, source, weight) for source, target, weight in rows[Relation.SUBSTITUTES]]
        rules = [IfThen(Trait.parse(a), Trait.parse(b), weight) for a, b, weight in rows[Relation.IF_THEN]]
        return cls(
            _sides(rows[Relation.COMPLEMENTS]),
            _sides([*rows[Relation.SUBSTITUTES], *swapped]),
            _sides(rows[Relation.COMPATIBLE_WITH]),
            _products(rows[Relation.VARIANT_OF]),
            {source: target for source, target, _ in rows[Relation.PARENT_CATEGORY]},
            tuple(sorted(rules, key=lambda rule: (-rule.weight, str(rule.has), str(rule.shows)))),
        )

    def __bool__(self) -> bool:
        """Whether anything is stated."""
        parts = (self.complements, self.substitutes, self.fits, self.product_of, self.parents, self.rules)
        return any(parts)

    @cached_property
    def hosts(self) -> frozenset[str]:
        """What some accessory fits."""
        return frozenset(host for own in self.fits.values() for host in own)

    def beside(self, items: Iterable[str]) -> list[tuple[str, str, float]]:
        """Complements of some items, `(item, of which, weight)`, heaviest first, ties by id.

        One that goes with several is said of the first that it goes with most; its weights are added up.
        The items themselves are left out.
        """
        own = list(dict.fromkeys(items))
        total: dict[str, float] = {}
        best: dict[str, tuple[str, float]] = {}
        for item in own:
            for other, weight in self.complements.get(item, {}).items():
                total[other] = total.get(other, 0.0) + weight
                if other not in best or weight > best[other][1]:
                    best[other] = item, weight
        named = [(other, best[other][0], weight) for other, weight in total.items() if other not in own]
        return sorted(named, key=lambda one: (-one[2], one[0]))

    def told_by(self, row: Mapping[str, Any]) -> tuple[IfThen, ...]:
        """Rules that an item with these fields sets off, heaviest first."""
        return tuple(rule for rule in self.rules if rule.has.holds(row))

    def graph(self, item_ids: Sequence[str], categories: Sequence[str | None]) -> ItemGraph:
        """What vectors are smoothed over: substitutes, variants, and the categories of `N` items."""
        place = {item_id: number for number, item_id in enumerate(item_ids)}
        return ItemGraph.of(self._edges(place), categories, self.parents)

    def _edges(self, place: Mapping[str, int]) -> list[Edge]:
        alike = [
            (place[one], place[other], weight)
            for one, own in self.substitutes.items()
            for other, weight in own.items()
            if one < other and one in place and other in place
        ]
        products = [(item, product) for item, product in self.product_of.items()]
        variants = [
            (place[item], place[product], 1.0)
            for item, product in products
            if item != product and item in place and product in place
        ]
        return [*alike, *variants]


def _sides(rows: Iterable[tuple[str, str, float]]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for source, target, weight in rows:
        found.setdefault(source, {})[target] = weight
    return found


def _products(rows: Iterable[tuple[str, str, float]]) -> dict[str, str]:
    """Items that variants lead to from one another, under the smallest id among them."""
    first: dict[str, str] = {}

    def find(item: str) -> str:
        while first.setdefault(item, item) != item:
            first[item] = first[first[item]]
            item = first[item]
        return item

    for source, target, _ in rows:
        low, high = sorted((find(source), find(target)))
        first[high] = low
    return {item: find(item) for item in sorted(first)}


NONE = Relations()
"""Nothing stated."""
