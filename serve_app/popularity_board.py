"""Recent popularity as every recommender replica sees it, read from the event store."""

from __future__ import annotations

import asyncio
import logging
import time

from cluster.event_store import EventStore
from recsys.config import ServeConfig
from recsys.popularity import RecentPopularity
from recsys.rerank import ItemStatistics
from serve_app.refreshing import refresh_for_ever
from serve_app.screening_board import ScreeningBoard

log = logging.getLogger(__name__)
IMPRESSION, CLICK = "impression", "click"
PERIOD_S = 2.0
RECOUNT_S = 600.0
"""Counting anew reads the whole log; what an erased person added to totals waits for it."""
BOARD_ITEMS = 2_000


class PopularityBoard:
    """The most popular items of late, refreshed on a period; empty while nothing happened.

    One user says no more than the caps allow, and users who are left out say nothing: when their set
    changes everything is counted anew. So it is when somebody was erased, at most every `RECOUNT_S`.
    """

    def __init__(
        self, store: EventStore, config: ServeConfig, screened: ScreeningBoard | None = None
    ) -> None:
        self._store, self._config = store, config
        self._screened = screened or ScreeningBoard(store)
        self._begin()
        self.top: tuple[tuple[str, float], ...] = ()
        """`(item_id, decayed weight)`, most popular first."""
        self.statistics = ItemStatistics()
        """Impressions and clicks of every item so far."""

    def _begin(self) -> None:
        """As if nothing had been counted, without those who are left out or erased now."""
        self._erasures, self._begun_s = self._store.erasures(), time.monotonic()
        self._left_out = self._screened.left_out
        self._popularity = RecentPopularity(self._config.popularity_half_life_s, self._config.profile.weights)
        self._seq = 0
        self._shown: dict[str, float] = {}
        self._clicked: dict[str, float] = {}

    async def refresh(self) -> None:
        """Take in the events since the last look."""
        await asyncio.to_thread(self._read)

    async def run(self) -> None:
        """Refresh for ever; one failed look does not end it."""
        await refresh_for_ever(self.refresh, PERIOD_S, log, "popularity refresh failed")

    def _read(self) -> None:
        if self._left_out != self._screened.left_out or self._must_recount():
            self._begin()
        most = self._screened.config.caps.item_events_a_day
        counts = self._store.popularity_since(self._seq, most, self._left_out)
        if counts.last_seq == self._seq:
            return
        self._popularity.add_counts(counts.rows)
        self._seq = counts.last_seq
        self.top = tuple(self._popularity.top(BOARD_ITEMS))
        for item_id, event_type, _, count in counts.rows:
            if event_type in (IMPRESSION, CLICK):
                tally = self._shown if event_type == IMPRESSION else self._clicked
                tally[item_id] = tally.get(item_id, 0.0) + count
        self.statistics = ItemStatistics.learn(dict(self._shown), dict(self._clicked), {})

    def _must_recount(self) -> bool:
        late = time.monotonic() - self._begun_s >= RECOUNT_S
        return late and self._store.erasures() != self._erasures
