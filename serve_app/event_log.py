"""The feedback actor's writing half: the one process that appends events durably."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle
from sqlalchemy import Engine

from cluster.database import open_database
from cluster.event_check import check_events, note_check
from cluster.event_store import AppendCounts, EventStore
from cluster.event_writer import EventWriter
from cluster.tombstone_table import ErasedPeople
from recsys.config import SERVING_LIMITS, DatabaseLimits
from recsys.errors import OverloadedError, RecsysError, StoreError
from serve_app.breaker import CircuitBreaker
from serve_app.replica_call import answered, unanswered
from serve_app.telemetry import Telemetry, carried, continued

log = logging.getLogger(__name__)
TIMEOUT_S = 1.0
"""How long a batch waits for the log; commits take milliseconds."""
REST_S = 5.0
"""How long a log that did not answer is left alone; events lose nothing by it."""
OWN_TIMEOUT_S = 5.0
OWN_REST_S = 1.0
"""How long batches are refused at once after a late write of our own; they would only hold requests up."""
CHECK_PERIOD_S = 86_400.0
CHECK_PAUSE_S = 0.01
"""After every page of rows, so that appends get their turn."""


class EventLog:
    """Group commit: all batches that wait share one transaction; each is acked after its fsync."""

    def __init__(
        self,
        database_url: str,
        privacy: str | None = None,
        telemetry: Telemetry | None = None,
        limits: DatabaseLimits = SERVING_LIMITS,
    ) -> None:
        """`privacy`: folder of the ledger of erasures; by default the one beside a SQLite file."""
        if telemetry:
            telemetry.start("events")
        engine = open_database(database_url, limits)
        erased = ErasedPeople(engine, Path(privacy) if privacy else None)
        self._writer = EventWriter(EventStore(engine, erased))
        threading.Thread(target=_check_for_ever, args=(engine,), daemon=True, name="event-check").start()

    async def process_id(self) -> int:
        """Process that serves this replica."""
        return os.getpid()

    @continued("events.append")
    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); durable when it returns."""
        return await self._writer.append(events)


def _check_for_ever(engine: Engine) -> None:
    """Examine the whole log at the start and once a day; what is wrong is logged and counted."""
    while True:
        try:
            found = check_events(engine, pause_s=CHECK_PAUSE_S)
            note_check(engine, found)
        except RecsysError as error:
            log.error("the event log was not checked: %s", error)
        else:
            if found.faults:
                log.error("the event log has %d faults: recsys events verify", found.faults)
        time.sleep(CHECK_PERIOD_S)


class EventClient:
    """Appends through the log's handle; while the log is away, straight into the store.

    The log saves fsyncs, it is not what makes events durable or single: any process may write, and
    events are idempotent by `event_id`. So a batch that died on the way is simply written here, and
    shoppers' events are not refused while the log's machine is being replaced.

    A store that hangs refuses them in time: whoever sent a batch sends it again. Should the first one
    have become durable after all, the second is counted as duplicates and nothing twice.
    """

    def __init__(
        self,
        handle: DeploymentHandle[Any],
        own: EventWriter,
        timeout_s: float = TIMEOUT_S,
        rest_s: float = REST_S,
        own_timeout_s: float = OWN_TIMEOUT_S,
    ) -> None:
        self._handle, self._own = handle, own
        self._timeout_s, self._own_timeout_s = timeout_s, own_timeout_s
        self._breaker, self._own_breaker = CircuitBreaker(1, rest_s), CircuitBreaker(1, OWN_REST_S)

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); raises `StoreError` or `OverloadedError` when it is not durable."""
        if not self._breaker.allows():
            return await self._append_here(events)
        context = carried()
        try:
            counts: AppendCounts = await answered(
                lambda: self._handle.append.remote(events, carried=context), self._timeout_s
            )
        except BackPressureError as error:
            raise OverloadedError("too many events wait to be written") from error
        except (TimeoutError, *unanswered()) as error:
            if isinstance(error, (StoreError, OverloadedError)):  # the log's own words
                raise
            self._breaker.failed()
            return await self._append_here(events)
        self._breaker.succeeded()
        return counts

    async def _append_here(self, events: pa.Table) -> AppendCounts:
        if not self._own_breaker.allows():
            raise StoreError("the event store does not answer", found="a late write")
        try:
            async with asyncio.timeout(self._own_timeout_s):
                counts = await self._own.append(events)
        except TimeoutError as error:
            self._own_breaker.failed()
            raise StoreError("the write is late", expected=f"{self._own_timeout_s:g} s") from error
        self._own_breaker.succeeded()
        return counts
