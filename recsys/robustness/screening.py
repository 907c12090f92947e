"""Users whose behaviour is not a shopper's, with the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from recsys.config import ScreeningConfig
from recsys.robustness.activity import Activity


class Reason(StrEnum):
    """Why a user is left out of what is learned."""

    FLOOD = "flood"
    """Too many events on one item within a day."""
    HURRY = "hurry"
    """More events in a minute than anybody can look at."""
    CRAWL = "crawl"
    """More different items on one day than anybody looks at."""
    FEW_ITEMS = "few_items"
    """Very many events on very few items."""
    CLOCKWORK = "clockwork"
    """Events as regular as a clock's."""
    SLEEPLESS = "sleepless"
    """Events around the clock, on several days."""


@dataclass(frozen=True)
class Screening:
    """Who is left out; a pure finding, events stay where they are."""

    marked: Mapping[str, tuple[Reason, ...]] = field(default_factory=dict)
    """User key -> every reason that holds, in the order of `Reason`."""
    num_events: int = 0
    """Events of the marked users that were looked at."""
    trusted: tuple[str, ...] = ()
    """Users who would be marked, were they not trusted."""

    def counts(self) -> dict[str, int]:
        """Users by reason; one with two reasons counts for both."""
        found = Counter(reason for reasons in self.marked.values() for reason in reasons)
        return {reason.value: found[reason] for reason in Reason if found[reason]}

    def as_rows(self) -> dict[str, object]:
        """What people and machines read."""
        named = {key: [reason.value for reason in own] for key, own in list(self.marked.items())[:20]}
        return {
            "users": len(self.marked),
            "events": self.num_events,
            "reasons": self.counts(),
            "first_users": named,
            "trusted": list(self.trusted),
        }


def screen(activity: Activity, config: ScreeningConfig) -> Screening:
    """Who does not behave like a shopper, by `config`; trusted users never.

    Times are the sender's. Logs whose events share one time a day (an import of dates) cannot show a
    hurry, a clock or a night, and nobody is marked for these.
    """
    if not config.enabled or not len(activity.users):
        return Screening()
    events = activity.num_events()
    rules = {
        Reason.FLOOD: activity.floods(config.flood_events),
        Reason.HURRY: activity.hurries(config.minute_moments),
        Reason.CRAWL: activity.most_items_a_day() >= config.day_items,
        Reason.FEW_ITEMS: _few_items(activity, config),
        Reason.CLOCKWORK: activity.regularity(config.regular_gaps) < config.regular_deviation,
        Reason.SLEEPLESS: activity.sleepless_days() >= config.sleepless_days,
    }
    suspects = np.flatnonzero(np.logical_or.reduce(list(rules.values())))
    reasons = {
        activity.user_keys[user]: tuple(reason for reason, found in rules.items() if found[user])
        for user in suspects.tolist()
    }
    marked = {key: own for key, own in reasons.items() if key not in config.trusted}
    spared = tuple(key for key in reasons if key in config.trusted)
    counted = sum(int(events[user]) for user in suspects.tolist() if activity.user_keys[user] in marked)
    return Screening(marked, counted, spared)


def _few_items(activity: Activity, config: ScreeningConfig) -> np.ndarray:
    events = activity.num_events()
    share = activity.num_items() / np.maximum(events, 1)
    return np.asarray((events >= config.few_items_events) & (share < config.few_items_share))
