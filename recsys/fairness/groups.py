"""Groups of items that a fairness report looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from recsys.rerank.pool import top_category

BANDS = ("cheap", "middle", "dear")
HEAD, TORSO = 0.2, 0.5
"""Shares of the catalog, by demand: the most wanted fifth is the head, the next three tenths the torso."""


def groups_of(items: Sequence[Mapping[str, Any]], demand: Mapping[str, float]) -> dict[str, dict[str, str]]:
    """Dimension -> item -> group: brand, seller, price band within the top category, head/torso/tail."""
    brands = {row["item_id"]: str(row.get("brand") or "no brand") for row in items}
    sellers = {
        row["item_id"]: str(dict(row.get("attributes") or {}).get("seller") or "no seller") for row in items
    }
    found = {"brand": brands, "price band": _bands(items), "demand": _by_demand(items, demand)}
    return found | ({"seller": sellers} if set(sellers.values()) - {"no seller"} else {})


def _bands(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    by_category: dict[str, list[tuple[float, str]]] = {}
    found = {row["item_id"]: "no price" for row in items}
    for row in items:
        if row.get("price_minor") is not None:
            by_category.setdefault(top_category(row), []).append((float(row["price_minor"]), row["item_id"]))
    for rows in by_category.values():
        low, high = np.quantile([price for price, _ in rows], [1 / 3, 2 / 3])
        found |= {item: BANDS[int(price > low) + int(price > high)] for price, item in rows}
    return found


def _by_demand(items: Sequence[Mapping[str, Any]], demand: Mapping[str, float]) -> dict[str, str]:
    ordered = sorted((row["item_id"] for row in items), key=lambda item: (-demand.get(item, 0.0), item))
    head, torso = int(HEAD * len(ordered)), int((HEAD + TORSO - 0.2) * len(ordered))
    names = ["head"] * head + ["torso"] * (torso - head) + ["tail"] * (len(ordered) - torso)
    return dict(zip(ordered, names, strict=True))
