"""What the user looks at or asks for right now, blended into the user vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsys.errors import InputError
from recsys.profile.vector import Part, PartKind, UserVector, combine, zero_vector


@dataclass(frozen=True, slots=True, eq=False)
class Context:
    """One thing a request names: an item, or a text."""

    vector: np.ndarray
    """`[D] float32` of the item or of the text."""
    item_id: str | None = None
    text: str | None = None
    """What the user typed; used when `item_id` is None."""


def with_context(user: UserVector, contexts: Sequence[Context], weight: float) -> UserVector:
    """`user` blended with what the request names, `weight` in [0, 1] of it from the request.

    The contexts share `weight` equally. A zero user vector leaves all of it to the contexts, and
    without contexts `user` comes back as it is. Parts keep their own vectors, so that contributions
    stay exact. Raises `InputError` for a weight outside [0, 1] or sizes that differ.
    """
    if not 0.0 <= weight <= 1.0:
        raise InputError("a context's weight is out of range", expected="0 to 1", found=str(weight))
    if not contexts:
        return user
    own, asked = (0.0, 1.0) if user.is_zero else (1.0 - weight, weight)
    parts = [replace(part, weight=part.weight * own) for part in user.parts if own > 0.0]
    vectors = list(user.matrix[: len(parts)])
    if asked > 0.0:
        parts += [_part(context, asked / len(contexts)) for context in contexts]
        vectors += [context.vector for context in contexts]
    blended = combine(parts, vectors, _size(vectors), user.unknown_items)
    if blended.is_zero and own > 0.0 and asked > 0.0:  # opposite wishes: the one of now wins
        return with_context(zero_vector(blended.vector.size, user.unknown_items), contexts, 1.0)
    return blended


def _size(vectors: Sequence[np.ndarray]) -> int:
    sizes = {int(np.shape(vector)[-1]) for vector in vectors}
    if len(sizes) != 1:
        raise InputError("context and user vectors differ in size", found=str(sorted(sizes)))
    return sizes.pop()


def _part(context: Context, weight: float) -> Part:
    if context.item_id is not None:
        return Part(PartKind.CONTEXT, context.item_id, weight)
    return Part(PartKind.QUERY, None, weight, context.text or "")
