"""What shoppers buy again, and after how long: durables are left alone, consumables come back when due."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

DAY_US = 86_400_000_000
PRIOR_BUYERS = 20.0
"""Buyers of the category's average that stand beside an item's own."""
PRIOR_GAPS = 10.0
"""Gaps of the category's median that stand beside an item's own."""
CONSUMABLE = 0.15
"""Share of buyers who come back, from which an item is something that is bought again."""
LEAST_RETURNS = 3
"""Shoppers who must have come back before anything is called due: a prior alone is no habit."""
EARLY = 0.05
"""Share of the usual time in which nothing is offered again. More than what keeps the last visit out costs
accuracy: shoppers return before the usual time as often as after it."""
MOST_GAPS = 20
"""A shopper's newest times between purchases of one item that count."""
SAME_VISIT_US = 3_600_000_000
"""Purchases of one item within an hour are one."""


@dataclass(frozen=True)
class Habit:
    """How one item, or one category, is bought."""

    comes_back: float
    """Share of buyers who bought it again."""
    interval_days: float
    """Median time between two purchases; infinite where nobody came back."""
    returns: int = 0
    """Shoppers who were seen to come back, for the item or for others of its category."""


UNKNOWN = Habit(0.0, math.inf)


@dataclass(frozen=True)
class Habits:
    """Habits of items, with their categories' for those that few have bought."""

    items: Mapping[str, Habit] = field(default_factory=dict)
    categories: Mapping[str, Habit] = field(default_factory=dict)

    @staticmethod
    def learn(purchases: Iterable[tuple[str, str, int]], categories: Mapping[str, str]) -> Habits:
        """From `(shopper, item, microseconds)` in any order; `categories` by item, absent: none.

        An item's figures are drawn to its category's and these to all items', so that one impatient
        shopper makes no consumable.
        """
        gaps, buyers, back = _gaps(purchases)
        rooms: dict[str, list[str]] = {}
        for item in buyers:
            rooms.setdefault(categories.get(item, ""), []).append(item)
        overall = replace(_habit(list(buyers), gaps, buyers, back, UNKNOWN), returns=0)
        by_category = {name: _habit(own, gaps, buyers, back, overall) for name, own in rooms.items()}
        items = {
            item: _habit([item], gaps, buyers, back, by_category[categories.get(item, "")]) for item in buyers
        }
        return Habits(items, by_category)

    def of(self, item_id: str, category: str = "") -> Habit:
        """The item's own habit, else its category's, else none."""
        return self.items.get(item_id) or self.categories.get(category) or UNKNOWN

    def due(self, item_id: str, category: str, bought_us: int, now_us: int) -> float:
        """How due an item is that was last bought at `bought_us`: time gone over the usual time.

        0 for what is not bought again, for what is too early (below `EARLY`), and for a purchase that
        a clock put into the future.
        """
        habit = self.of(item_id, category)
        gone = (now_us - bought_us) / DAY_US
        known = habit.returns >= LEAST_RETURNS and habit.interval_days < math.inf
        if not known or habit.comes_back < CONSUMABLE or gone <= 0.0:
            return 0.0
        ratio = gone / max(habit.interval_days, 1e-3)
        return ratio if ratio >= EARLY else 0.0


def buy_again(
    bought: Mapping[str, tuple[int, float]], categories: Mapping[str, str], habits: Habits, now_us: int
) -> list[tuple[str, float]]:
    """A shopper's own items that are bought again and not too fresh, the likeliest first.

    `bought`: item -> last purchase, and how often it was bought, older times counting less. An item's
    score is that frequency times the chance that shoppers come back for it; equal ones by id.
    """
    found = [
        (item, often * habits.of(item, categories.get(item, "")).comes_back)
        for item, (at_us, often) in bought.items()
        if often > 0.0 and habits.due(item, categories.get(item, ""), at_us, now_us) > 0.0
    ]
    return sorted(found, key=lambda entry: (-entry[1], entry[0]))


def _gaps(
    purchases: Iterable[tuple[str, str, int]],
) -> tuple[dict[str, list[float]], dict[str, int], dict[str, int]]:
    """Days between purchases, buyers, and buyers who came back, by item."""
    times: dict[tuple[str, str], list[int]] = {}
    for shopper, item, at_us in purchases:
        times.setdefault((shopper, item), []).append(at_us)
    gaps: dict[str, list[float]] = {}
    buyers: dict[str, int] = {}
    back: dict[str, int] = {}
    for (_, item), own in times.items():
        own.sort()
        found = [(b - a) / DAY_US for a, b in pairwise(own) if b - a > SAME_VISIT_US][-MOST_GAPS:]
        buyers[item] = buyers.get(item, 0) + 1
        back[item] = back.get(item, 0) + bool(found)
        gaps.setdefault(item, []).extend(found)
    return gaps, buyers, back


def _habit(
    items: Sequence[str],
    gaps: Mapping[str, list[float]],
    buyers: Mapping[str, int],
    back: Mapping[str, int],
    prior: Habit,
) -> Habit:
    """Figures of some items together, drawn to `prior`."""
    count = sum(buyers[item] for item in items)
    returned = sum(back[item] for item in items)
    share = (returned + PRIOR_BUYERS * prior.comes_back) / (count + PRIOR_BUYERS)
    own = [gap for item in items for gap in gaps[item]]
    seen = max(returned, prior.returns)
    if not own:
        return Habit(share, prior.interval_days, seen)
    median = float(np.median(np.log(np.maximum(own, 1e-3))))
    if prior.interval_days < math.inf:
        median = (len(own) * median + PRIOR_GAPS * math.log(prior.interval_days)) / (len(own) + PRIOR_GAPS)
    return Habit(share, math.exp(median), seen)
