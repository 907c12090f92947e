"""What each of the user's own items and queries adds to a score, exactly."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import numpy as np

from recsys.profile import PartKind, UserVector
from recsys.query import EVERYBODY, Query


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one thing of the user's own adds to the score of one item."""

    kind: PartKind
    """`item`, or `review` where the user's words add more than the item; `context`; `query`."""
    item_id: str | None
    """The item of the user's history or request; None for a query text."""
    value: float
    """Signed part of the score, the review's part included."""
    text: str | None = None
    """The query text; None for every other kind."""


def contributions(
    user_vector: UserVector,
    item_vector: np.ndarray,
    *,
    text_factor: float = 1.0,
    query: Query | None = None,
    links: Mapping[str, Mapping[str, float]] | None = None,
) -> tuple[Contribution, ...]:
    """How much each of the user's items and queries adds to the score of an item.

    The score is `text_factor * <user_vector, item_vector>` and what the query's links add; `links` are
    those into the item, signal -> source -> value. What counts for everybody is one contribution of
    its own.

    `item_vector` is `[D]`, scaled as the score uses it (unit for cosine). An item and the review of
    it are one contribution. Largest first, ties by kind and id; the values sum to the dot product
    (within 1e-5 for unit vectors). Empty for a zero user vector.
    """
    dots = user_vector.matrix.astype(np.float64) @ np.asarray(item_vector, dtype=np.float64)
    sums: dict[tuple[PartKind, str], dict[PartKind, float]] = {}
    for part, dot in zip(user_vector.parts, dots.tolist(), strict=True):
        owner = PartKind.ITEM if part.kind is PartKind.REVIEW else part.kind
        values = sums.setdefault((owner, part.item_id or part.text or ""), {})
        values[part.kind] = values.get(part.kind, 0.0) + part.weight * dot * text_factor
    contexts = {part.item_id for part in user_vector.parts if part.kind is PartKind.CONTEXT}
    for signal, sources in (links or {}).items():
        weights = query.links.get(signal, {}) if query else {}
        for source in weights.keys() & sources.keys():
            kind = _owner(source, contexts, sums)
            values = sums.setdefault((kind, source), {})
            values[kind] = values.get(kind, 0.0) + weights[source] * sources[source]
    found = [_contribution(owner, name, values) for (owner, name), values in sums.items()]
    return tuple(sorted(found, key=lambda c: (-c.value, c.kind, c.item_id or c.text or "")))


def _owner(source: str, contexts: Container[str | None], sums: Container[tuple[PartKind, str]]) -> PartKind:
    if source == EVERYBODY:
        return PartKind.POPULARITY
    named = source in contexts and (PartKind.ITEM, source) not in sums
    return PartKind.CONTEXT if named else PartKind.ITEM


def _contribution(owner: PartKind, name: str, values: Mapping[PartKind, float]) -> Contribution:
    kind = max(values, key=lambda kind: (values[kind], kind is owner))
    if owner is PartKind.POPULARITY:
        return Contribution(kind, None, sum(values.values()))
    if owner is PartKind.QUERY:
        return Contribution(kind, None, sum(values.values()), name)
    return Contribution(kind, name, sum(values.values()))
