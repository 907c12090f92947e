"""What each of the user's own items and queries adds to a score, exactly."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
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


class Contributions:
    """What each of the user's own items and queries adds to the scores of `n` items.

    The score is `text_factor * <user_vector, item_vector>` and what the query's links add; `links` are
    those into each item, signal -> source -> value. What counts for everybody is one contribution of
    its own. An item and the review of it are one contribution.
    """

    def __init__(
        self,
        user_vector: UserVector,
        item_vectors: np.ndarray,
        *,
        text_factor: float = 1.0,
        query: Query | None = None,
        links: Sequence[Mapping[str, Mapping[str, float]]] = (),
    ) -> None:
        """`item_vectors` is `[n, D]`, scaled as the score uses it (unit rows for cosine)."""
        self._num_items = len(item_vectors)
        self._sums: dict[tuple[PartKind, str], dict[PartKind, np.ndarray]] = {}
        self._add_parts(user_vector, item_vectors, text_factor)
        contexts = {part.item_id for part in user_vector.parts if part.kind is PartKind.CONTEXT}
        for place, signals in enumerate(links):
            self._add_links(place, signals, query, contexts)
        self._owners = sorted(self._sums)
        totals = [sum(self._sums[owner].values()) for owner in self._owners]
        self._totals = np.array(totals, np.float64).reshape(len(totals), self._num_items)

    def positive(self, item: int) -> float:
        """Sum of everything that speaks for an item."""
        return float(np.maximum(self._totals[:, item], 0.0).sum())

    def best_first(self, item: int) -> Iterator[Contribution]:
        """All contributions to one item, largest first, ties by kind and id.

        The values sum to the score (within 1e-5 for unit vectors). Empty for a zero user vector
        without links.
        """
        for place in np.argsort(-self._totals[:, item], kind="stable").tolist():
            owner = self._owners[place]
            values = {kind: float(value[item]) for kind, value in self._sums[owner].items()}
            yield _contribution(owner[0], owner[1], values)

    def _add_parts(self, user: UserVector, item_vectors: np.ndarray, text_factor: float) -> None:
        if not user.parts:  # of a shopper of whom nothing is known; the vector then has no width either
            return
        dots = user.matrix.astype(np.float64) @ np.asarray(item_vectors, np.float64).T
        for part, values in zip(user.parts, dots * text_factor, strict=True):
            owner = PartKind.ITEM if part.kind is PartKind.REVIEW else part.kind
            self._cell(owner, part.item_id or part.text or "", part.kind)[:] += part.weight * values

    def _add_links(
        self,
        place: int,
        signals: Mapping[str, Mapping[str, float]],
        query: Query | None,
        contexts: Container[str | None],
    ) -> None:
        for signal, sources in signals.items():
            weights = query.links.get(signal, {}) if query else {}
            for source in weights.keys() & sources.keys():
                kind = _owner(source, contexts, self._sums)
                self._cell(kind, source, kind)[place] += weights[source] * sources[source]

    def _cell(self, owner: PartKind, name: str, kind: PartKind) -> np.ndarray:
        values = self._sums.setdefault((owner, name), {})
        if kind not in values:
            values[kind] = np.zeros(self._num_items, np.float64)
        return values[kind]


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
