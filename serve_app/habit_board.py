"""What is bought again, as every recommender replica knows it, learned from the log of purchases."""

from __future__ import annotations

import asyncio
import logging

from cluster.event_store import EventStore
from recsys.errors import RecsysError
from recsys.habits import Habits

log = logging.getLogger(__name__)
PERIOD_S = 600.0
MOST_PURCHASES = 1_000_000
"""The newest ones that are read."""


class HabitBoard:
    """Habits, learned anew on a period where purchases were added; none before the first look."""

    def __init__(self, store: EventStore) -> None:
        self._store, self._seq = store, -1
        self.habits = Habits()

    async def refresh(self) -> None:
        """Learn from the purchases there are, if any event came since the last look."""
        seq = await asyncio.to_thread(self._store.last_seq)
        if seq != self._seq:
            self.habits = await asyncio.to_thread(self._learn)
            self._seq = seq

    async def run(self) -> None:
        """Learn for ever, at once for the first time; one failed look does not end it."""
        while True:
            try:
                await self.refresh()
            except RecsysError as error:
                log.warning("habits were not learned: %s", error)
            await asyncio.sleep(PERIOD_S)

    def _learn(self) -> Habits:
        purchases, categories = self._store.purchases(MOST_PURCHASES)
        return Habits.learn(purchases, categories)
