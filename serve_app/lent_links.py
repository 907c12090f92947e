"""What shoppers' behaviour says of an item that nobody has met: what it says of the items most like it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np

from recsys.retrieval import Query
from serve_app.retriever import Retriever

NEIGHBOURS = 5
SHARPNESS = 4.0
"""A near copy speaks almost alone, items that are half alike speak together."""
LENT = frozenset({"behaviour", "transition"})
"""Signals that are about what goes with what; popularity and repeats are earned, not lent."""
OwnLinks = dict[str, dict[str, float]]
"""Signal -> source item -> value."""
Lender = Callable[[np.ndarray], Awaitable[OwnLinks]]


def lender_of(retriever: Retriever) -> Lender:
    """Lends by the version's nearest items: their mean, weighed by `similarity ** SHARPNESS`, times the
    similarity of the nearest.

    Until the next version, which learns the item's own links from its text, a new item then stands
    about where its nearest relatives stand. Nothing where the version has no such links.
    """

    async def lend(vector: np.ndarray) -> OwnLinks:
        found = await retriever.search(Query(vector.astype(np.float32)), NEIGHBOURS, frozenset(), None)
        alike = np.clip(found.candidates.scores.astype(np.float64), 0.0, 1.0)
        weights = alike**SHARPNESS
        if not weights.sum() > 0.0:
            return {}
        shares = weights / weights.sum() * alike.max()
        near = dict(zip(found.candidates.item_ids, shares.tolist(), strict=True))
        lent: OwnLinks = {}
        for item_id, own in (await retriever.links(list(near))).items():
            for signal in LENT & own.keys():
                room = lent.setdefault(signal, {})
                for source, value in own[signal].items():
                    room[source] = room.get(source, 0.0) + near[item_id] * value
        return lent

    return lend
