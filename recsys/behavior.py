"""What one event says about a taste, and how that fades."""

from __future__ import annotations

import math
from collections.abc import Sequence

from recsys.config import EventWeights, ProfileConfig
from recsys.history import HistoryEvent
from recsys.sentiment import sentiment

OPINIONS = frozenset({"rating", "review"})
"""Event types whose weight depends on stars or text, not on the type alone."""


def event_weight(event: HistoryEvent, weights: EventWeights) -> float:
    """Signed, undecayed weight of `event`: positive draws towards its item, negative away.

    Ratings and reviews count by their stars, a line through `rating_negative` at one star, 0 at
    three and `rating_positive` at five; without stars the text's sentiment takes the place of the
    stars; without either they say nothing (0). Other events count by their type; a type that the
    configuration does not know counts 0.
    """
    if event.event_type in OPINIONS:
        return _opinion_weight(opinion(event), weights)
    return type_weight(event.event_type, weights)


def type_weight(event_type: str, weights: EventWeights) -> float:
    """Weight of an event type that needs no stars; 0 for ratings, reviews and unknown types."""
    if event_type in weights.other:
        return weights.other[event_type]
    return float(getattr(weights, _FIELDS[event_type])) if event_type in _FIELDS else 0.0


_FIELDS = {
    field.alias or name: name
    for name, field in EventWeights.model_fields.items()
    if name not in ("other", "rating_positive", "rating_negative")
}


def opinion(event: HistoryEvent) -> float:
    """How much the sender liked the item, in [-1, 1]: from the stars, else from the review's text."""
    rated = stars(event)
    if rated is not None:
        return (rated - 3.0) / 2.0
    return sentiment(event.review_text) if event.review_text else 0.0


def stars(event: HistoryEvent) -> float | None:
    """Stars in [1, 5] of a rating or review; None when it has none or is another kind of event.

    Values above 5 are read on a scale to 10 and values above 10 on a scale to 100. Zero, negative
    and non-finite values mean "not rated", as in most shops' exports.
    """
    value = event.value
    if event.event_type not in OPINIONS or value is None or not math.isfinite(value) or value <= 0.0:
        return None
    scale = 1.0 if value <= 5.0 else 2.0 if value <= 10.0 else 20.0
    return min(max(value / scale, 1.0), 5.0)


def _opinion_weight(liked: float, weights: EventWeights) -> float:
    return liked * (weights.rating_positive if liked >= 0.0 else -weights.rating_negative)


def standing_events(events: Sequence[HistoryEvent]) -> list[HistoryEvent]:
    """The events of one item, oldest first, less those that were taken back.

    A `remove_from_cart` cancels the newest `add_to_cart` before it, and neither counts; one that
    finds nothing to cancel stands with its own weight.
    """
    gone = taken_back([event.event_type for event in events])
    return [event for place, event in enumerate(events) if place not in gone]


def taken_back(event_types: Sequence[str]) -> set[int]:
    """Places of the events of one item, oldest first, that `standing_events` leaves out."""
    added: list[int] = []
    gone: set[int] = set()
    for place, event_type in enumerate(event_types):
        if event_type == "add_to_cart":
            added.append(place)
        elif event_type == "remove_from_cart" and added:
            gone |= {added.pop(), place}
    return gone


def decay(age_s: float, config: ProfileConfig) -> float:
    """Share in [0, 1] of its weight that an event of this age still has.

    A short-term and a long-term half-life mixed by `session_share`. Events from the future, which
    a clock that jumped leaves behind, count as if they happened now.
    """
    age = age_s if age_s > 0.0 else 0.0  # also where the age is not a number
    short = math.exp2(-age / config.session_half_life_s)
    long = math.exp2(-age / config.long_half_life_s)
    return config.session_share * short + (1.0 - config.session_share) * long
