"""Recent popularity: event weights per item that fade with a half-life."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Collection, Iterable, Mapping
from datetime import date

from recsys.behavior import OPINIONS, event_weight, type_weight
from recsys.config import EventWeights
from recsys.history import HistoryEvent

DAY_US = 86_400_000_000
MICROSECONDS = 1_000_000
MAX_HALF_LIVES = 256.0
"""Distance between landmark and newest event after which weights are rescaled, far below overflow."""
_EPOCH = date(1970, 1, 1)


class RecentPopularity:
    """Decayed event weight of every item, kept by forward decay.

    Each event is stored as `weight * 2^((occurred_at - landmark) / half_life)`, so that adding is one
    addition, nothing is ever touched as time passes, and the order of items does not depend on when
    it is read. The landmark moves along and keeps the numbers in range over years.

    The caller sees to it that no event is added twice. Beyond `max_items` items (and a quarter more)
    the weakest are forgotten, which bounds memory. Not thread-safe.
    """

    def __init__(self, half_life_s: float, weights: EventWeights, *, max_items: int = 1_000_000) -> None:
        self._half_life_us, self._weights = half_life_s * MICROSECONDS, weights
        self._max_items = max_items
        self._masses: dict[str, float] = {}
        self._landmark_us = self._newest_us = 0
        self._ranked: list[tuple[str, float]] | None = None

    def __len__(self) -> int:
        return len(self._masses)

    def add(self, event: HistoryEvent, *, now_us: int | None = None) -> None:
        """Count one event; one from the future counts as if it happened `now_us` (default: now)."""
        weight = event_weight(event, self._weights)
        self._add(event.item_id, weight, min(event.occurred_at_us, _now_us(now_us)))

    def add_counts(
        self, rows: Iterable[tuple[str, str, int | date, int]], *, now_us: int | None = None
    ) -> None:
        """Count rows of `(item_id, event_type, day, count)`, a day's events as if at its noon UTC.

        `day` is a date or the number of days since 1970-01-01. Counts carry no stars, so that a
        rating or review counts half of what five stars would.
        """
        latest_us = _now_us(now_us)
        for item_id, event_type, day, count in rows:
            number = (day - _EPOCH).days if isinstance(day, date) else int(day)
            noon_us = number * DAY_US + DAY_US // 2
            self._add(item_id, self._type_weight(event_type) * count, min(noon_us, latest_us))

    def top(
        self,
        n: int,
        *,
        category: str | None = None,
        categories: Mapping[str, str | None] | None = None,
        exclude: Collection[str] = (),
    ) -> list[tuple[str, float]]:
        """The `n` most popular `(item_id, weight)`, weight descending, then item_id ascending.

        Weights are as of the newest event and above 0; items at or below 0 are left out. With
        `category`, only items whose path in `categories` is that path or lies below it.
        """
        found: list[tuple[str, float]] = []
        for item_id, weight in self._ranking():
            if len(found) >= n:
                break
            if item_id in exclude or (category and not _below((categories or {}).get(item_id), category)):
                continue
            found.append((item_id, weight))
        return found

    def score(self, item_id: str, now_us: int) -> float:
        """Decayed weight of an item at `now_us`, or at the newest event if that is later."""
        mass = self._masses.get(item_id, 0.0)
        return mass * self._growth(self._landmark_us - max(now_us, self._newest_us))

    def forget(self, item_ids: Iterable[str]) -> None:
        """Drop what is known of items that left the catalog."""
        for item_id in item_ids:
            self._masses.pop(item_id, None)
        self._ranked = None

    def _add(self, item_id: str, weight: float, at_us: int) -> None:
        if weight == 0.0:
            return
        if not self._masses:
            self._landmark_us = self._newest_us = at_us
        self._newest_us = max(self._newest_us, at_us)
        self._move_landmark()
        growth = self._growth(at_us - self._landmark_us)
        self._masses[item_id] = self._masses.get(item_id, 0.0) + weight * growth
        self._ranked = None
        if len(self._masses) > 1.25 * self._max_items:
            self._drop_weakest()

    def _growth(self, later_us: float) -> float:
        return math.exp2(later_us / self._half_life_us)

    def _move_landmark(self) -> None:
        ahead_us = self._newest_us - self._landmark_us
        if ahead_us > MAX_HALF_LIVES * self._half_life_us:
            fade = self._growth(-ahead_us)
            self._masses = {item_id: mass * fade for item_id, mass in self._masses.items()}
            self._landmark_us = self._newest_us

    def _drop_weakest(self) -> None:
        strongest = heapq.nlargest(self._max_items, self._masses.items(), key=lambda row: abs(row[1]))
        self._masses = dict(strongest)

    def _ranking(self) -> list[tuple[str, float]]:
        if self._ranked is None:
            positive = [row for row in self._masses.items() if row[1] > 0.0]
            positive.sort(key=lambda row: (-row[1], row[0]))
            fade = self._growth(self._landmark_us - self._newest_us)
            self._ranked = [(item_id, mass * fade) for item_id, mass in positive]
        return self._ranked

    def _type_weight(self, event_type: str) -> float:
        if event_type in OPINIONS:
            return self._weights.rating_positive / 2.0
        return type_weight(event_type, self._weights)


def _now_us(now_us: int | None) -> int:
    return time.time_ns() // 1_000 if now_us is None else now_us


def _below(path: str | None, category: str) -> bool:
    wanted, parts = _path(category), _path(path or "")
    return parts[: len(wanted)] == wanted


def _path(category: str) -> list[str]:
    return [part.strip() for part in category.split("/") if part.strip()]
