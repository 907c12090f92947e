"""What a shop never wants to be recommended: items, brands, sellers, categories, words."""

from __future__ import annotations

from functools import cached_property

from pydantic import Field

from recsys.config import Config
from recsys.filters import AnyOf, Condition, Not, Op

MOST = 80
"""Conditions of one block list: a filter has at most a hundred."""


class BlockList(Config):
    """One list of what is blocked; `blocked` items are left out inside the search."""

    description: str = Field(default="", max_length=2_000)
    """Why it is there."""
    item_ids: frozenset[str] = Field(default=frozenset(), max_length=10_000)
    """Items by id."""
    brands: frozenset[str] = frozenset()
    """Brands, as they are written."""
    sellers: frozenset[str] = frozenset()
    """Values of the attribute `seller`."""
    categories: frozenset[str] = Field(default=frozenset(), max_length=MOST // 2)
    """Category paths with everything under them."""
    words: frozenset[str] = Field(default=frozenset(), max_length=MOST // 2)
    """Parts of titles, whatever their case."""

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """One of these holds for every item that is blocked by what it is."""
        found = []
        if self.brands:
            found.append(Condition(field="brand", op=Op.IN, value=tuple(sorted(self.brands))))
        if self.sellers:
            value = tuple(sorted(self.sellers))
            found.append(Condition(field="attributes.seller", op=Op.IN, value=value))
        found += [Condition(field="category", op=Op.UNDER, value=path) for path in sorted(self.categories)]
        found += [Condition(field="title", op=Op.CONTAINS, value=word) for word in sorted(self.words)]
        return tuple(found)

    @property
    def visible(self) -> Not | None:
        """The condition that keeps blocked items out of a search; None where only ids are blocked."""
        if not self.conditions:
            return None
        return Not.model_construct(part=AnyOf.model_construct(parts=self.conditions))
