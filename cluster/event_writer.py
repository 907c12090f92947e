"""Group commit: all batches that wait share one transaction, and so one fsync."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from cluster.event_store import AppendCounts, EventStore
from recsys.errors import OverloadedError, RecsysError, StoreError

MAX_WAITING_EVENTS = 100_000
MAX_COMMIT_EVENTS = 20_000


@dataclass(frozen=True, eq=False)
class _Waiting:
    events: pa.Table
    done: asyncio.Future[AppendCounts]


class EventWriter:
    """The one writer of an event store; belongs to one event loop.

    While a commit is on its way to the disk the next batches gather, so that the strict durability
    of one fsync a commit costs little under load.
    """

    def __init__(self, store: EventStore, max_waiting_events: int = MAX_WAITING_EVENTS) -> None:
        self._store, self._max_waiting = store, max_waiting_events
        self._waiting: list[_Waiting] = []
        self._waiting_events = 0
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, events: pa.Table) -> AppendCounts:
        """Append a batch (`EVENTS`), all of it or nothing; durable when it returns.

        Raises `OverloadedError` when too many events wait, `StoreError` when the store refused.
        """
        if self._waiting_events + events.num_rows > self._max_waiting and self._waiting:
            raise OverloadedError(
                "too many events wait to be written",
                expected=f"at most {self._max_waiting}",
                found=str(self._waiting_events),
            )
        waiting = _Waiting(events, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting_events += events.num_rows
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return await waiting.done

    async def close(self) -> None:
        """Write what waits, then rest; appending again wakes it."""
        if self._flusher is not None:
            await self._flusher

    async def _flush(self) -> None:
        while self._waiting:
            if not (group := self._next_group()):
                continue
            try:
                counts = await asyncio.to_thread(self._store.append_all, [one.events for one in group])
            except RecsysError:
                await self._one_by_one(group)
            else:
                for one, count in zip(group, counts, strict=True):
                    _resolve(one, count)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._waiting and (not group or size + self._waiting[0].events.num_rows <= MAX_COMMIT_EVENTS):
            one = self._waiting.pop(0)
            self._waiting_events -= one.events.num_rows
            if not one.done.done():  # else it was refused as late meanwhile, and is sent again
                group.append(one)
                size += one.events.num_rows
        return group

    async def _one_by_one(self, group: Sequence[_Waiting]) -> None:
        """A batch that the store cannot take must not fail the batches that shared its commit."""
        for one in group:
            if one.done.done():
                continue
            try:
                count = await asyncio.to_thread(self._store.append, one.events)
            except RecsysError as error:
                with contextlib.suppress(asyncio.InvalidStateError):
                    one.done.set_exception(error if isinstance(error, StoreError) else StoreError(str(error)))
            else:
                _resolve(one, count)


def _resolve(one: _Waiting, count: AppendCounts) -> None:
    if not one.done.done():  # the caller may have been cancelled meanwhile
        one.done.set_result(count)
