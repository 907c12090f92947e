"""The feedback actor's writing half: the one process that appends events durably."""

from __future__ import annotations

import os
from typing import Any

import pyarrow as pa
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from cluster.database import open_database
from cluster.event_store import AppendCounts, EventStore
from cluster.event_writer import EventWriter
from recsys.errors import OverloadedError, StoreError
from serve_app.breaker import CircuitBreaker
from serve_app.replica_call import UNANSWERED, answered

TIMEOUT_S = 1.0
"""How long a batch waits for the log; commits take milliseconds."""
REST_S = 5.0
"""How long a log that did not answer is left alone; events lose nothing by it."""


class EventLog:
    """Group commit: all batches that wait share one transaction; each is acked after its fsync."""

    def __init__(self, database_url: str) -> None:
        self._writer = EventWriter(EventStore(open_database(database_url)))

    async def process_id(self) -> int:
        """Process that serves this replica."""
        return os.getpid()

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); durable when it returns."""
        return await self._writer.append(events)


class EventClient:
    """Appends through the log's handle; while the log is away, straight into the store.

    The log saves fsyncs, it is not what makes events durable or single: any process may write, and
    events are idempotent by `event_id`. So a batch that died on the way is simply written here, and
    shoppers' events are not refused while the log's machine is being replaced.
    """

    def __init__(
        self,
        handle: DeploymentHandle[Any],
        own: EventWriter,
        timeout_s: float = TIMEOUT_S,
        rest_s: float = REST_S,
    ) -> None:
        self._handle, self._own, self._timeout_s = handle, own, timeout_s
        self._breaker = CircuitBreaker(1, rest_s)

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); raises `StoreError` or `OverloadedError` when it is not durable."""
        if not self._breaker.allows():
            return await self._own.append(events)
        try:
            counts: AppendCounts = await answered(lambda: self._handle.append.remote(events), self._timeout_s)
        except BackPressureError as error:
            raise OverloadedError("too many events wait to be written") from error
        except (TimeoutError, *UNANSWERED) as error:
            if isinstance(error, (StoreError, OverloadedError)):  # the log's own words
                raise
            self._breaker.failed()
            return await self._own.append(events)
        self._breaker.succeeded()
        return counts
