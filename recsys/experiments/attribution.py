"""From lists shown and events received to what each shopper's lists led to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.experiments.experiment import Experiment
from recsys.experiments.exposure import Exposure
from recsys.experiments.outcomes import ACTIONS, CLICK, PURCHASE, Attributed
from recsys.history import Response

CLOCK_SLACK_US = 300_000_000
"""A shopper's clock may be five minutes behind ours: nobody can click on a list before it was sent."""


@dataclass(frozen=True)
class Joined:
    """Events that a list led to: place of the list, time (never before the list's), and the event."""

    exposure: np.ndarray
    at_us: np.ndarray
    events: tuple[Response, ...]


def attribute(
    experiment: Experiment,
    exposures: Iterable[Exposure],
    events: Iterable[Response],
    prices: Mapping[str, float] | None = None,
) -> Attributed:
    """Outcomes by shopper of an A/B experiment.

    An event counts for the list whose `recommendation_id` it names, if its item was in that list and it came
    within the window after it; it counts for the shopper who was shown the list, whoever sent it (a visitor
    may have logged in). Lists outside the dates or of arms that no longer exist are left out. A repeated
    `event_id` counts once, and so does a repeated click on one item of one list. `prices` (item -> price in
    the currency's smallest unit) turns pieces into revenue, and stands in where no amount is given; an item
    without a price brings no revenue.
    """
    shown = counted(experiment, exposures, {arm.name for arm in experiment.arms})
    joined = join(experiment, shown, events)
    names = {arm.name: place for place, arm in enumerate(experiment.arms)}
    units, owner = _numbered([exposure.unit for exposure in shown])
    arms = np.array([names[exposure.arm] for exposure in shown], np.intp)
    first = arms[np.unique(owner, return_index=True)[1]]  # lists lie in time
    at_us = np.array([exposure.at_us for exposure in shown], np.int64)
    return Attributed(
        units,
        first,
        owner,
        at_us,
        owner[joined.exposure],
        joined.at_us,
        np.array([ACTIONS[event.event_type] for event in joined.events], np.int8),
        _revenue(experiment, joined.events, prices or {}),
        len(np.unique(owner[arms != first[owner]])),
    )


def counted(experiment: Experiment, exposures: Iterable[Exposure], arms: set[str]) -> list[Exposure]:
    """The lists of this experiment and these arms within its dates, in time; a repeated one once."""
    start, end = experiment.starts_at_us, experiment.ends_at_us
    own = (
        exposure
        for exposure in exposures
        if exposure.experiment_id == experiment.experiment_id
        and exposure.arm in arms
        and exposure.unit
        and (start is None or exposure.at_us >= start)
        and (end is None or exposure.at_us < end)
    )
    found: dict[str, Exposure] = {}
    for exposure in sorted(own, key=lambda exposure: (exposure.at_us, exposure.recommendation_id)):
        found.setdefault(exposure.recommendation_id, exposure)
    return list(found.values())


def join(experiment: Experiment, shown: Sequence[Exposure], events: Iterable[Response]) -> Joined:
    """The events that count, each with its list; `shown` as from `counted`."""
    places = {exposure.recommendation_id: place for place, exposure in enumerate(shown)}
    known: dict[str, tuple[int, Response]] = {}
    for event in events:
        place = places.get(event.recommendation_id)
        if place is None or event.event_type not in ACTIONS or event.event_id in known:
            continue
        if event.item_id in shown[place].item_ids:
            known[event.event_id] = (place, event)
    found = list(known.values())
    place_of = np.array([place for place, _ in found], np.intp)
    shown_at = np.array([exposure.at_us for exposure in shown], np.int64)[place_of]
    since = np.array([event.occurred_at_us for _, event in found], np.int64) - shown_at
    kept = np.flatnonzero((since >= -CLOCK_SLACK_US) & (since <= experiment.window_us))
    kept = kept[np.argsort(since[kept] + shown_at[kept], kind="stable")]
    kept = kept[_first_clicks([found[row] for row in kept])]
    at_us = shown_at[kept] + np.maximum(since[kept], 0)
    return Joined(place_of[kept], at_us, tuple(found[row][1] for row in kept))


def _first_clicks(found: Sequence[tuple[int, Response]]) -> np.ndarray:
    """`[A] bool`: False for a click on an item of a list that was clicked before."""
    seen: set[tuple[int, str]] = set()
    keep = np.ones(len(found), bool)
    for row, (place, event) in enumerate(found):
        if ACTIONS[event.event_type] == CLICK:
            keep[row] = (place, event.item_id) not in seen
            seen.add((place, event.item_id))
    return keep


def _numbered(names: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    numbers: dict[str, int] = {}
    owner = [numbers.setdefault(name, len(numbers)) for name in names]
    return tuple(numbers), np.array(owner, np.intp)


def _revenue(experiment: Experiment, events: Sequence[Response], prices: Mapping[str, float]) -> np.ndarray:
    return np.array([_worth(experiment, event, prices) for event in events], np.float64)


def _worth(experiment: Experiment, event: Response, prices: Mapping[str, float]) -> float:
    if ACTIONS[event.event_type] != PURCHASE:
        return 0.0
    price, value = prices.get(event.item_id, 0.0), event.value
    known = value is not None and math.isfinite(value) and value >= 0.0
    if experiment.purchase_value == "amount":
        return value if known and value is not None else price
    return price * (value if known and value is not None else 1.0)
