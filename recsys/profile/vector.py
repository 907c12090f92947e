"""The user vector: a weighted sum of known vectors that remembers its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from recsys.profile.interests import UserProfile

NEGATIVE_LIMIT = 0.5
"""All that pushes away weighs at most this share of all that draws: a few dismissals must not
outvote a taste, because the opposite of what is disliked is no description of what is liked."""
CANCELLED = 1e-6
"""A sum shorter than this share of its parts' lengths is rounding noise and counts as zero."""


class PartKind(StrEnum):
    """Where a part of a user vector comes from."""

    ITEM = "item"
    """The vector of an item in the user's history."""
    REVIEW = "review"
    """The embedding of a text the user wrote about such an item."""
    POPULARITY = "popularity"
    """What counts for every user alike."""
    CONTEXT = "context"
    """The vector of an item named in the request."""
    QUERY = "query"
    """The embedding of a text given in the request."""


@dataclass(frozen=True, slots=True)
class Part:
    """One summand of a user vector; row `i` of the matrix is part `i`'s vector."""

    kind: PartKind
    item_id: str | None
    """The item behind it; None for a query text."""
    weight: float
    """Signed factor of the part's vector in the normalised user vector."""
    text: str | None = None
    """The query text; None for every other kind."""


@dataclass(frozen=True, slots=True, eq=False)
class UserVector:
    """A user's direction in the embedding space, and what it is made of.

    `vector` equals `sum(part.weight * matrix[i])`, rounded to float32 once.
    """

    vector: np.ndarray
    """`[D] float32`, unit, or all zero when nothing is known (recommend without it then)."""
    parts: tuple[Part, ...]
    """The summands, strongest interest first; empty when the vector is zero."""
    matrix: np.ndarray
    """`[P, D] float32`, the parts' vectors."""
    length: float
    """Norm of the sum before it was normalised; `weight * length` is a part's raw weight."""
    unknown_items: tuple[str, ...] = ()
    """Items of the profile that have no vector (deleted, not indexed yet) and were left out."""

    @property
    def is_zero(self) -> bool:
        """Whether nothing speaks for any direction."""
        return not self.parts


def user_vector(
    profile: UserProfile,
    item_vectors: Mapping[str, np.ndarray],
    review_vectors: Mapping[str, np.ndarray],
) -> UserVector:
    """The unit vector `[D] float32` of a profile from its items' and review texts' vectors.

    A reviewed item's pull is split between the item's vector and its review text's vector (keyed
    by the text); a review without a vector leaves all of it to the item. Items without a vector
    are skipped, reviews included, and reported. Negative parts are scaled down together to at most
    `NEGATIVE_LIMIT` of the positive ones.

    The result is zero when no vector is known, when nothing positive is known, when the parts
    cancel, or when the sum does not point towards what the user likes any more: such a profile
    excludes items but must not personalise. `D` is that of the given vectors, 0 when there are none.
    """
    unknown = tuple(i.item_id for i in profile.interests if i.item_id not in item_vectors)
    parts: list[Part] = []
    vectors: list[np.ndarray] = []
    for interest in profile.interests:
        if interest.item_id in item_vectors:
            review = review_vectors.get(interest.review_text) if interest.review_text else None
            weights = (interest.weight, interest.review_weight)
            for part, vector in summands(interest.item_id, *weights, item_vectors[interest.item_id], review):
                parts.append(part)
                vectors.append(vector)
    return combine(_limit_negative(parts), vectors, _dim([*item_vectors.values(), *vectors]), unknown)


def combine(
    parts: Sequence[Part], vectors: Sequence[np.ndarray], dim: int, unknown_items: tuple[str, ...] = ()
) -> UserVector:
    """The normalised sum of raw-weighted parts; zero under the conditions of `user_vector`."""
    if not any(part.weight > 0.0 for part in parts):
        return zero_vector(dim, unknown_items)
    weights = np.array([part.weight for part in parts], dtype=np.float64)
    unit = float(np.abs(weights).max())  # a history of long ago has weights near the smallest float
    weights /= unit
    matrix = np.stack([np.asarray(vector, dtype=np.float32) for vector in vectors])
    rows = matrix.astype(np.float64)  # sums of opposite vectors lose digits in float32
    total, liked = weights @ rows, np.maximum(weights, 0.0) @ rows
    length = float(np.linalg.norm(total))
    reach = float(np.abs(weights) @ np.linalg.norm(rows, axis=1))
    if not np.isfinite(length) or length <= CANCELLED * reach or float(total @ liked) <= 0.0:
        return zero_vector(dim, unknown_items)
    scaled = tuple(
        Part(part.kind, part.item_id, weight / length, part.text)
        for part, weight in zip(parts, weights.tolist(), strict=True)
    )
    return UserVector((total / length).astype(np.float32), scaled, matrix, length * unit, unknown_items)


def zero_vector(dim: int, unknown_items: tuple[str, ...] = ()) -> UserVector:
    """The vector `[dim]` of nobody in particular."""
    empty = np.zeros((0, dim), dtype=np.float32)
    return UserVector(np.zeros(dim, dtype=np.float32), (), empty, 0.0, unknown_items)


def summands(
    item_id: str, weight: float, review_weight: float, item: np.ndarray, review: np.ndarray | None
) -> Iterator[tuple[Part, np.ndarray]]:
    """What an interest of some weight adds: its item's vector, and its review's where there is one."""
    taken = abs(review_weight) if review is not None else 0.0
    left = max(abs(weight) - taken, 0.0)
    if left > 0.0:
        yield Part(PartKind.ITEM, item_id, math.copysign(left, weight)), item
    if review is not None and taken > 0.0:
        yield Part(PartKind.REVIEW, item_id, review_weight), review


def _limit_negative(parts: Sequence[Part]) -> list[Part]:
    drawn = sum(part.weight for part in parts if part.weight > 0.0)
    pushed = -sum(part.weight for part in parts if part.weight < 0.0)
    if pushed <= NEGATIVE_LIMIT * drawn:
        return list(parts)
    factor = NEGATIVE_LIMIT * drawn / pushed
    return [Part(p.kind, p.item_id, p.weight * factor, p.text) if p.weight < 0.0 else p for p in parts]


def _dim(vectors: Iterable[np.ndarray]) -> int:
    return next((int(vector.shape[-1]) for vector in vectors), 0)
