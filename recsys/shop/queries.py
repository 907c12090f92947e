"""Free-text searches with known answers, in words that the items themselves do not use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.shop.catalog import Catalog
from recsys.shop.vocabulary import interests

MAIN = 0.5
"""From this share on an item truly is about an interest."""


@dataclass(frozen=True)
class Query:
    """A search and the items that answer it."""

    text: str
    relevant: frozenset[str]


def make_queries(catalog: Catalog) -> tuple[Query, ...]:
    """Two or three searches an interest: by each of its searched words, and one within a category."""
    ids = np.array(catalog.items.column("item_id").to_pylist())
    paths = np.array(catalog.items.column("category").to_pylist())
    found: list[Query] = []
    for number, interest in enumerate(interests()):
        about = catalog.tastes[:, number] >= MAIN
        leaf = interest.categories[0].rsplit("/", 1)[-1].lower()
        searches = [(text, about) for text in interest.query_words]
        searches.append((f"{interest.query_words[0]}, {leaf}", about & (paths == interest.categories[0])))
        found += [Query(text, frozenset(ids[mask].tolist())) for text, mask in searches if mask.any()]
    return tuple(found)
