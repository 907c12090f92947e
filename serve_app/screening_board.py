"""Users who are left out of what serving learns, as every replica sees them."""

from __future__ import annotations

import asyncio
import logging

from cluster.event_store import EventStore
from cluster.screening import screen_store
from recsys.config import RobustnessConfig
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)
PERIOD_S = 120.0


class ScreeningBoard:
    """Screens the log on a period; nobody is left out before the first look."""

    def __init__(self, store: EventStore, config: RobustnessConfig | None = None) -> None:
        self._store, self._seen = store, (-1, -1)
        self.config = config or RobustnessConfig()
        self.left_out: frozenset[str] = frozenset()
        """Keys of users."""

    async def refresh(self) -> None:
        """Look again, if any event came or somebody was erased since the last look."""
        await asyncio.to_thread(self._read)

    async def run(self) -> None:
        """Look for ever; one failed look does not end it."""
        await refresh_for_ever(self.refresh, PERIOD_S, log, "screening failed")

    def _read(self) -> None:
        seen = self._store.last_seq(), self._store.erasures()
        if seen == self._seen:
            return
        found = screen_store(self._store, self.config.screening)
        if found.marked.keys() != self.left_out:
            log.warning("left out as machines: %d users, by reason %s", len(found.marked), found.counts())
        self.left_out, self._seen = frozenset(found.marked), seen
