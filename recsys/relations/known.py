"""What a catalog has, as far as statements about it can name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recsys.relations.trait import ATTRIBUTE, BRAND, CATEGORY, Trait


@dataclass
class KnownThings:
    """Ids, categories with the steps above them, and traits of the items seen so far."""

    item_ids: set[str] = field(default_factory=set)
    categories: set[str] = field(default_factory=set)
    traits: set[Trait] = field(default_factory=set)
    """Brands and attributes."""

    def see(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Take in items: `item_id`, `category`, `brand`, `attributes`."""
        for row in rows:
            self.item_ids.add(row["item_id"])
            parts = (row.get("category") or "").split("/")
            self.categories |= {"/".join(parts[: end + 1]) for end in range(len(parts)) if parts[0]}
            if row.get("brand"):
                self.traits.add(Trait(BRAND, row["brand"]))
            pairs = dict(row.get("attributes") or {}).items()
            self.traits |= {Trait(ATTRIBUTE + name, value) for name, value in pairs}

    def has(self, trait: Trait) -> bool:
        """Whether any item has it."""
        return trait.value in self.categories if trait.field == CATEGORY else trait in self.traits
