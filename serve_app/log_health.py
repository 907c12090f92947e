"""Damage of the event log as the metrics tell it."""

from __future__ import annotations

from sqlalchemy import Engine

from cluster.database import DAMAGED, counter_value, reading
from cluster.event_store import EventStore
from recsys.errors import RecsysError
from serve_app.metrics import Metrics


class LogHealth:
    """What the last check of the whole log found, and what this replica's own reads left out."""

    def __init__(self, engine: Engine, events: EventStore, metrics: Metrics) -> None:
        self._engine, self._events, self._metrics = engine, events, metrics

    def observe(self) -> None:
        """Set both gauges; a database that does not answer leaves the first as it was."""
        self._metrics.events_left_out.set(len(self._events.damaged))
        try:
            with reading(self._engine) as connection:
                self._metrics.log_faults.set(counter_value(connection, DAMAGED))
        except RecsysError:
            return
