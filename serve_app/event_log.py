"""The feedback actor's writing half: the one process that appends events durably."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
from ray.exceptions import RayError
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle

from cluster.database import open_database
from cluster.event_store import AppendCounts, EventStore
from cluster.event_writer import EventWriter
from cluster.tombstone_table import ErasedPeople
from recsys.errors import OverloadedError, StoreError

ATTEMPTS = 3
RETRY_PAUSE_S = 0.5


class EventLog:
    """Group commit: all batches that wait share one transaction; each is acked after its fsync."""

    def __init__(self, database_url: str, privacy: str | None = None) -> None:
        """`privacy`: folder of the ledger of erasures; by default the one beside a SQLite file."""
        engine = open_database(database_url)
        erased = ErasedPeople(engine, Path(privacy) if privacy else None)
        self._writer = EventWriter(EventStore(engine, erased))

    async def process_id(self) -> int:
        """Process that serves this replica."""
        return os.getpid()

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); durable when it returns."""
        return await self._writer.append(events)


class EventClient:
    """Appends through the log's handle; a batch that died on the way is sent again.

    Sending again is safe because events are idempotent by `event_id`.
    """

    def __init__(self, handle: DeploymentHandle[Any], timeout_s: float = 10.0) -> None:
        self._handle, self._timeout_s = handle, timeout_s

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`); raises `StoreError` or `OverloadedError` when it is not durable."""
        for attempt in range(ATTEMPTS):
            try:
                counts: AppendCounts = await asyncio.wait_for(
                    self._handle.append.remote(events), self._timeout_s
                )
            except BackPressureError as error:
                raise OverloadedError("too many events wait to be written") from error
            except (TimeoutError, RayError, RayServeException) as error:
                self._give_up_at_last(attempt, error)
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                return counts
        raise StoreError("the event log does not answer")

    @staticmethod
    def _give_up_at_last(attempt: int, error: Exception) -> None:
        if isinstance(error, (StoreError, OverloadedError)):
            raise error
        if attempt + 1 == ATTEMPTS:
            raise StoreError("the event log does not answer", found=type(error).__name__) from error
