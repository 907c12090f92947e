"""What one side of an if-then rule asks of an item: a category, a brand, or an attribute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from recsys.catalog.fields import category_path
from recsys.errors import InputError
from recsys.filters import Filter, parse_filter

ATTRIBUTE = "attributes."
CATEGORY, BRAND = "category", "brand"
FORMS = "category:PATH, brand:NAME or attributes.NAME:VALUE"
MAX_CHARS = 1_000


@dataclass(frozen=True)
class Trait:
    """A field and the value that an item must have; of a category also what is within it."""

    field: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Trait:
        """From `category:PATH`, `brand:NAME` or `attributes.NAME:VALUE`; raises `InputError`."""
        field, colon, value = (part.strip() for part in text.partition(":"))
        known = field in (CATEGORY, BRAND) or (field.startswith(ATTRIBUTE) and field != ATTRIBUTE)
        if not (known and colon and value) or len(text) > MAX_CHARS:
            raise InputError("a trait is not valid", expected=FORMS, found=repr(text[:80]))
        return cls(field, (category_path(value) or value) if field == CATEGORY else value)

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.field}:{self.value}"

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether an item with these fields has it."""
        if self.field.startswith(ATTRIBUTE):
            return dict(row.get("attributes") or {}).get(self.field.removeprefix(ATTRIBUTE)) == self.value
        found = str(row.get(self.field) or "")
        within = self.field == CATEGORY and found.startswith(f"{self.value}/")
        return found == self.value or within

    @property
    def filter(self) -> Filter:
        """The same as a condition of a search."""
        op = "under" if self.field == CATEGORY else "=="
        return parse_filter({"field": self.field, "op": op, "value": self.value})
