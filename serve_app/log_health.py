"""Damage of the event log as the metrics tell it."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy import Engine

from cluster.database import DAMAGED, counter_value, reading
from cluster.event_store import EventStore
from serve_app.metrics import Metrics
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)
PERIOD_S = 10.0


class LogHealth:
    """What the last check of the whole log found, and what this replica's own reads left out.

    Looked at on a period and not when the metrics are read: a database that hangs must not hang those.
    """

    def __init__(self, engine: Engine, events: EventStore, metrics: Metrics) -> None:
        self._engine, self._events, self._metrics = engine, events, metrics

    async def refresh(self) -> None:
        """Set both gauges; raises `StoreError`, with the first as it was."""
        self._metrics.events_left_out.set(len(self._events.damaged))
        self._metrics.log_faults.set(await asyncio.to_thread(self._faults))

    async def run(self) -> None:
        """Look for ever, the first time at once; one failed look does not end it."""
        await refresh_for_ever(
            self.refresh, PERIOD_S, log, "the log's faults could not be read", at_once=True
        )

    def _faults(self) -> int:
        with reading(self._engine) as connection:
            return counter_value(connection, DAMAGED)
