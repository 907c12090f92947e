"""From a profile and a request to the query that shards answer: served scores are evaluated scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.blend.settings import Blend, SignalSettings
from recsys.interaction_log import HALF_LIVES_DAYS
from recsys.profile import Context, Interest, Part, UserProfile, UserVector, with_context
from recsys.profile.vector import combine, summands
from recsys.query import EVERYBODY, POPULARITY, Query


@dataclass(frozen=True, eq=False)
class BlendedQuery:
    """A query with what its text direction is made of, for explaining."""

    query: Query
    user: UserVector
    """Unit direction in text space; the query's vector is `text_factor` times this."""
    text_factor: float


@dataclass(frozen=True, eq=False)
class Known:
    """Vectors that a request could fetch."""

    items: Mapping[str, np.ndarray]
    reviews: Mapping[str, np.ndarray]
    contexts: Sequence[Context] = ()
    context_share: float = 0.0


def blended_query(
    profile: UserProfile, known: Known, settings: SignalSettings, blend: Blend, review_share: float
) -> BlendedQuery:
    """The query of one profile; the same weights as `Histories` gives the same history.

    Interests without a vector (deleted, not indexed yet) are left out of every signal, as the log of
    an evaluation leaves out events of unknown items. Review texts, which logs do not carry, take their
    share of a reviewed item's pull in the text signal. What the request names takes `context_share`.
    """
    interests = sorted(
        (i for i in profile.interests if i.item_id in known.items and i.strength != 0.0),
        key=lambda i: i.newest,
        reverse=True,
    )
    user = with_context(
        _text_vector(interests, known, settings.text_decay, review_share, profile),
        known.contexts,
        known.context_share,
    )
    return BlendedQuery(
        Query(user.vector * np.float32(blend.text), _links(interests, known, settings, blend)),
        user,
        blend.text,
    )


def decayed(interests: Sequence[Interest], decay: float, half_life_days: float | None = None) -> np.ndarray:
    """`[M] float64` unit weights, newest first, as `Histories.matrix` has them."""
    weights = np.sign([i.strength for i in interests]) * decay ** np.arange(len(interests), dtype=np.float64)
    if half_life_days is not None:
        column = HALF_LIVES_DAYS.index(half_life_days)
        weights *= [i.frequencies[column] ** 0.5 if i.strength > 0.0 else 1.0 for i in interests]
    return _unit(weights)


def _text_vector(
    interests: Sequence[Interest], known: Known, decay: float, review_share: float, profile: UserProfile
) -> UserVector:
    parts: list[Part] = []
    vectors: list[np.ndarray] = []
    for interest, weight in zip(interests, decayed(interests, decay).tolist(), strict=True):
        review = known.reviews.get(interest.review_text) if interest.review_text else None
        said = math.copysign(review_share * abs(weight), interest.review_weight)
        taken = said if interest.review_weight and review is not None else 0.0
        for part, vector in summands(interest.item_id, weight, taken, known.items[interest.item_id], review):
            parts.append(part)
            vectors.append(vector)
    every = [*known.items.values(), *(context.vector for context in known.contexts)]
    unknown = tuple(i.item_id for i in profile.interests if i.item_id not in known.items)
    return combine(parts, vectors, int(every[0].shape[-1]) if every else 0, unknown)


def _links(
    interests: Sequence[Interest], known: Known, settings: SignalSettings, blend: Blend
) -> dict[str, dict[str, float]]:
    asked = [context.item_id for context in known.contexts if context.item_id]
    share = (
        known.context_share * len(asked) / max(len(known.contexts), 1) if interests else float(bool(asked))
    )
    found: dict[str, dict[str, float]] = {}
    for signal, factor, decay, days in (
        ("behaviour", blend.behaviour, settings.behaviour_decay, settings.behaviour_half_life_days),
        ("transition", blend.transition, settings.transition_decay, None),
    ):
        if factor:
            found[signal] = _sources(interests, decayed(interests, decay, days) * factor * (1.0 - share))
            for item_id in asked:
                more = factor * share / len(asked)
                found[signal][item_id] = found[signal].get(item_id, 0.0) + more
    if blend.repeat:
        found["repeat"] = _sources(interests, _frequencies(interests, settings) * blend.repeat)
    if blend.own:
        found["own"] = _sources(interests, np.full(len(interests), blend.own))
    if blend.popularity:
        found[POPULARITY] = {EVERYBODY: blend.popularity}
    return found


def _sources(interests: Sequence[Interest], weights: np.ndarray) -> dict[str, float]:
    return {i.item_id: weight for i, weight in zip(interests, weights.tolist(), strict=True)}


def _frequencies(interests: Sequence[Interest], settings: SignalSettings) -> np.ndarray:
    column = HALF_LIVES_DAYS.index(settings.repeat_half_life_days)
    return _unit(np.array([i.frequencies[column] if i.strength > 0.0 else 0.0 for i in interests]))


def _unit(values: np.ndarray) -> np.ndarray:
    length = float(np.linalg.norm(values)) if len(values) else 0.0
    return np.asarray(values / length if length > 0.0 else values, np.float64)
