"""How users behave in time, as arrays: what screening looks at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
SHORT_GAP_US = 600_000_000
"""Longer gaps are between visits, and say nothing about a clock."""
SLEEPLESS_HOURS = 23


@dataclass(frozen=True, eq=False)
class Activity:
    """`E` events of `U` users, ordered by user, time and item, so that no measure depends on their order."""

    user_keys: tuple[str, ...]
    """`U` keys, ascending."""
    users: np.ndarray
    """`[E] int64`, ascending: place in `user_keys`."""
    items: np.ndarray
    """`[E] int64` numbers of items."""
    times_us: np.ndarray
    """`[E] int64`, microseconds since 1970 UTC."""

    @classmethod
    def of(cls, events: Iterable[tuple[str, str, int]]) -> Activity:
        """From `(user key, item, microseconds)` in any order."""
        rows = list(events)
        keys, users = np.unique(np.array([row[0] for row in rows], object), return_inverse=True)
        items = np.unique(np.array([row[1] for row in rows], object), return_inverse=True)[1]
        times = np.array([row[2] for row in rows], np.int64)
        order = np.lexsort((items, times, users))
        return cls(tuple(keys.tolist()), users[order], items[order], times[order])

    def num_events(self) -> np.ndarray:
        """`[U] int64`."""
        return np.bincount(self.users, minlength=len(self.user_keys))

    def num_items(self) -> np.ndarray:
        """`[U] int64`: different items."""
        return self._distinct(self.items)

    def floods(self, num: int) -> np.ndarray:
        """`[U] bool`: whether `num` events fell on one item within less than 24 hours."""
        order = np.lexsort((self.times_us, self.items, self.users))
        groups = self.users[order] * (int(self.items.max(initial=0)) + 1) + self.items[order]
        return self._within(groups, self.users[order], self.times_us[order], num, DAY_US)

    def hurries(self, num: int) -> np.ndarray:
        """`[U] bool`: whether there were events at `num` different times within less than a minute."""
        users, times = self._moments()
        return self._within(users, users, times, num, MINUTE_US)

    def most_items_a_day(self) -> np.ndarray:
        """`[U] int64`: different items of the day (UTC) with the most."""
        rows = np.unique(np.stack([self.users, self.times_us // DAY_US, self.items]), axis=1)
        return self._largest(rows[:2])

    def sleepless_days(self) -> np.ndarray:
        """`[U] int64`: days (UTC) with events in `SLEEPLESS_HOURS` hours or more."""
        hours = np.unique(np.stack([self.users, self.times_us // HOUR_US]), axis=1)
        days, counts = np.unique(np.stack([hours[0], hours[1] // 24]), axis=1, return_counts=True)
        return np.bincount(days[0][counts >= SLEEPLESS_HOURS], minlength=len(self.user_keys))

    def regularity(self, least_gaps: int) -> np.ndarray:
        """`[U] float64`: deviation of short gaps between events over their mean; infinite for few gaps."""
        users, times = self._moments()
        gaps, size = np.diff(times).astype(np.float64), len(self.user_keys)
        short = (np.diff(users) == 0) & (gaps <= SHORT_GAP_US)
        owners, own = users[1:][short], gaps[short]
        counts = np.bincount(owners, minlength=size)
        means = np.bincount(owners, own, size) / np.maximum(counts, 1)
        squares = np.bincount(owners, (own - means[owners]) ** 2, size) / np.maximum(counts, 1)
        found = np.sqrt(squares) / np.maximum(means, 1.0)
        return np.where(counts >= least_gaps, found, np.inf)

    def _moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Users and times of events, equal ones once."""
        new = np.r_[True, (np.diff(self.users) != 0) | (np.diff(self.times_us) != 0)][: len(self.users)]
        return self.users[new], self.times_us[new]

    def _within(
        self, groups: np.ndarray, users: np.ndarray, times: np.ndarray, num: int, less_than_us: int
    ) -> np.ndarray:
        """Users with `num` entries of one group, ordered by time, less than so long apart."""
        found = np.zeros(len(self.user_keys), bool)
        last = np.arange(num - 1, len(groups))
        first = last - (num - 1)
        close = (groups[first] == groups[last]) & (times[last] - times[first] < less_than_us)
        found[users[last[close]]] = True
        return found

    def _distinct(self, values: np.ndarray) -> np.ndarray:
        distinct = np.unique(np.stack([self.users, values]), axis=1)
        return np.bincount(distinct[0], minlength=len(self.user_keys))

    def _largest(self, rows: np.ndarray) -> np.ndarray:
        """The most repetitions of one column of `[2, M]`, by its first row."""
        distinct, counts = np.unique(rows, axis=1, return_counts=True)
        found = np.zeros(len(self.user_keys), np.int64)
        np.maximum.at(found, distinct[0], counts)
        return found
