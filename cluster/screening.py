"""The event store screened for machines."""

from __future__ import annotations

from cluster.event_store import EventStore
from recsys.config import ScreeningConfig
from recsys.robustness import Activity, Screening, screen

NEWEST_EVENTS = 2_000_000
"""Events that are looked at; what was before is no danger to what is learned now."""


def screen_store(store: EventStore, config: ScreeningConfig) -> Screening:
    """Who is left out, by the newest events. Only users with enough events to be marked are read."""
    if not config.enabled:
        return Screening()
    return screen(Activity.of(store.active_users(config.least_events, NEWEST_EVENTS)), config)
