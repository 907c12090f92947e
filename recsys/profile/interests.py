"""What a user's history says about single items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recsys.behavior import decay, event_weight, opinion, standing_events, stars
from recsys.config import ProfileConfig
from recsys.history import HistoryEvent
from recsys.interaction_log import DAY_US, HALF_LIVES_DAYS
from recsys.profile.progress import Progress, progress_of

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Interest:
    """What one user thinks of one item, from all events about it together."""

    item_id: str
    weight: float
    """Signed and decayed: positive draws towards the item, negative away; never 0."""
    event_types: tuple[str, ...]
    """Distinct types of the events that count, oldest first."""
    last_event_type: str
    last_at_us: int
    """When the newest event that counts happened, microseconds since 1970 UTC."""
    stars: float | None = None
    """Newest stars the user gave, on 1..5."""
    review_text: str | None = None
    """The user's newest review of the item, when it is among the profile's newest reviews."""
    review_weight: float = 0.0
    """The part of the pull that the review text's embedding takes, by the review's own sign."""
    strength: float = 0.0
    """Signed, undecayed and capped weight of all events on the item."""
    newest: tuple[int, int] = (0, 0)
    """Time and place in the log of the newest event that says something."""
    bought_us: int | None = None
    """When the newest purchase happened; None without one, and after a return."""
    frequencies: tuple[float, ...] = ()
    """Positive events on the item, decayed by each of `HALF_LIVES_DAYS` before the newest event of all."""


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A user's recent history in the form that recommending needs; derived, never stored."""

    user_key: str
    interests: tuple[Interest, ...]
    """Strongest first by absolute weight, then by `item_id`."""
    seen: frozenset[str]
    """Items with any event other than an impression."""
    num_events: int
    """Events that were read."""
    progress: tuple[Progress, ...] = ()
    """What was watched and how far, the newest first."""

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Items whose vectors `user_vector` needs."""
        return tuple(interest.item_id for interest in self.interests)

    @property
    def review_texts(self) -> tuple[str, ...]:
        """Distinct texts whose embeddings `user_vector` can use."""
        return tuple(dict.fromkeys(i.review_text for i in self.interests if i.review_text))

    @property
    def watched(self) -> frozenset[str]:
        """Items of which it is told how far they were watched."""
        return frozenset(one.item_id for one in self.progress)

    def begun(self, finished: float) -> tuple[Progress, ...]:
        """What was begun and is not finished, the newest first; `finished` is the share of an end."""
        return tuple(one for one in self.progress if one.share < finished)

    def anchors(self, finished: float) -> tuple[Interest, ...]:
        """What the user was drawn to and is not in the middle of, the newest first."""
        open_ = {one.item_id for one in self.begun(finished)}
        drawn = (one for one in self.interests if one.weight > 0.0 and one.item_id not in open_)
        return tuple(sorted(drawn, key=lambda one: (one.newest, one.item_id), reverse=True))

    def about(self, anchor: Interest | None) -> UserProfile:
        """The profile of somebody who has this one interest and has seen all the same; None: no interest."""
        return replace(self, interests=(anchor,) if anchor else ())


def newest_events(events: Iterable[HistoryEvent], limit: int) -> list[HistoryEvent]:
    """The newest `limit` distinct events, oldest first, by time and then by place in the log.

    An event given twice (same `event_id`) counts once. The order of `events` does not matter.
    """
    distinct = {event.event_id: event for event in sorted(events, key=_age_order, reverse=True)}
    return sorted(distinct.values(), key=_age_order)[-limit:]


def _age_order(event: HistoryEvent) -> tuple[int, int, str]:
    return (event.occurred_at_us, event.seq, event.event_id)


def build_profile(
    user_key: str, events: Sequence[HistoryEvent], now_us: int, config: ProfileConfig
) -> UserProfile:
    """The profile of one user at `now_us` from that user's events, in any order.

    Only the newest `max_events` are read. Events about one item add up, each with its own decay,
    up to `max_item_weight` of undecayed weight in either direction, newest first. Items whose
    events cancel to 0 carry no interest but stay in `seen`.
    """
    newest = newest_events(events, config.max_events)
    by_item: dict[str, list[HistoryEvent]] = {}
    for event in newest:
        by_item.setdefault(event.item_id, []).append(event)
    latest_us = newest[-1].occurred_at_us if newest else 0
    found = [_interest(item_id, group, (now_us, latest_us), config) for item_id, group in by_item.items()]
    interests = [interest for interest in found if interest is not None]
    interests.sort(key=lambda interest: (-abs(interest.weight), interest.item_id))
    seen = frozenset(event.item_id for event in newest if event.event_type != "impression")
    reviewed = tuple(_newest_reviews(interests, newest, config))
    return UserProfile(user_key, reviewed, seen, len(newest), progress_of(newest))


def _interest(
    item_id: str, events: Sequence[HistoryEvent], times_us: tuple[int, int], config: ProfileConfig
) -> Interest | None:
    standing = standing_events(events)
    weight = _capped_weight(standing, times_us[0], config)
    if weight == 0.0:
        return None
    given = [value for value in map(stars, standing) if value is not None]
    return Interest(
        item_id=item_id,
        weight=weight,
        event_types=tuple(dict.fromkeys(event.event_type for event in standing)),
        last_event_type=standing[-1].event_type,
        last_at_us=standing[-1].occurred_at_us,
        stars=given[-1] if given else None,
        bought_us=_bought_us(standing),
        **_undecayed(standing, times_us[1], config),
    )


def _bought_us(events: Sequence[HistoryEvent]) -> int | None:
    acts = [event for event in events if event.event_type in ("purchase", "return")]
    return acts[-1].occurred_at_us if acts and acts[-1].event_type == "purchase" else None


def _undecayed(events: Sequence[HistoryEvent], latest_us: int, config: ProfileConfig) -> dict[str, Any]:
    weighed = [(event, event_weight(event, config.weights)) for event in events]
    said = [(event, weight) for event, weight in weighed if weight != 0.0]
    cap = config.max_item_weight
    drawn = sum(weight for _, weight in said if weight > 0.0)
    pushed = -sum(weight for _, weight in said if weight < 0.0)
    ages = [(latest_us - event.occurred_at_us) / DAY_US for event, weight in said if weight > 0.0]
    return {
        "strength": min(drawn, cap) - min(pushed, cap),
        "newest": max((event.occurred_at_us, event.seq) for event, _ in said),
        "frequencies": tuple(sum(math.exp2(-age / days) for age in ages) for days in HALF_LIVES_DAYS),
    }


def _capped_weight(events: Sequence[HistoryEvent], now_us: int, config: ProfileConfig) -> float:
    """Decayed sum, newest first: a burst of old views leaves room for the newest purchase."""
    room = {1.0: config.max_item_weight, -1.0: config.max_item_weight}
    total = 0.0
    for event in reversed(events):
        weight = event_weight(event, config.weights)
        sign = math.copysign(1.0, weight)
        used = min(abs(weight), room[sign])
        room[sign] -= used
        total += sign * used * decay((now_us - event.occurred_at_us) / MICROSECONDS, config)
    return total


def _newest_reviews(
    interests: Sequence[Interest], events: Sequence[HistoryEvent], config: ProfileConfig
) -> list[Interest]:
    written: dict[str, HistoryEvent] = {}
    wanted = {interest.item_id for interest in interests}
    for event in reversed(events):
        if len(written) >= config.max_reviews:
            break
        if event.item_id in wanted and event.review_text and event.review_text.strip():
            written.setdefault(event.item_id, event)
    return [_with_review(interest, written.get(interest.item_id), config) for interest in interests]


def _with_review(interest: Interest, event: HistoryEvent | None, config: ProfileConfig) -> Interest:
    if event is None or event.review_text is None:
        return interest
    liked = opinion(event)
    sign = (liked > 0.0) - (liked < 0.0)
    pull = sign * config.review_share * abs(interest.weight)
    return replace(interest, review_text=event.review_text.strip(), review_weight=pull)
