"""What is bought again and what goes together, as every recommender replica has learned it."""

from __future__ import annotations

import asyncio
import logging

from cluster.event_store import EventStore
from recsys.complements import LEAST_SHOPPERS, Complements
from recsys.errors import RecsysError
from recsys.habits import Habits
from serve_app.screening_board import ScreeningBoard

log = logging.getLogger(__name__)
PERIOD_S = 600.0
MOST_PURCHASES = 1_000_000
"""The newest ones that are read."""


class HabitBoard:
    """Habits and complements, learned anew on a period from the log; none before the first look."""

    def __init__(self, store: EventStore, screened: ScreeningBoard | None = None) -> None:
        self._store, self._seen = store, (-1, -1)
        self._screened = screened or ScreeningBoard(store)
        self.habits, self.complements = Habits(), Complements()

    async def refresh(self) -> None:
        """Learn from the purchases there are, if an event came or somebody was erased since the last look."""
        seen = await asyncio.to_thread(lambda: (self._store.last_seq(), self._store.erasures()))
        if seen != self._seen:
            self.habits, self.complements = await asyncio.to_thread(self._learn)
            self._seen = seen

    async def run(self) -> None:
        """Learn for ever, at once for the first time; one failed look does not end it."""
        while True:
            try:
                await self.refresh()
            except RecsysError as error:
                log.warning("habits were not learned: %s", error)
            await asyncio.sleep(PERIOD_S)

    def _learn(self) -> tuple[Habits, Complements]:
        every, categories = self._store.purchases(MOST_PURCHASES)
        purchases = [one for one in every if one[0] not in self._screened.left_out]
        least = max(LEAST_SHOPPERS, self._screened.config.min_users)
        return Habits.learn(purchases, categories), Complements.learn(purchases, least_shoppers=least)
