"""Sends events in the background, in batches, from a task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from recsys.client.async_client import AsyncClient
from recsys.client.errors import ServiceError
from recsys.client.event_sender import CLOSING_PAUSE_S
from recsys.client.outbox import Outbox, Row, SenderConfig, SenderCounts, UnsentEventsError
from recsys.client.routes.events import Event, event_row, rows_call
from recsys.errors import InputError, OverloadedError


class AsyncEventSender:
    """`EventSender` for asyncio: the same promises, kept by a task of the loop that sends first.

    Nothing is sent by itself at the end of a program: use it as a context manager, or await `close`.
    """

    def __init__(
        self,
        client: AsyncClient,
        config: SenderConfig | None = None,
        on_rejected: Callable[[Row, str], None] | None = None,
    ) -> None:
        """`on_rejected` gets each event that the service refuses with the reason."""
        self._client, self._config = client, config or SenderConfig()
        self._outbox = Outbox(self._config, time.monotonic, on_rejected)
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._closing = self._ended = False

    @property
    def counts(self) -> SenderCounts:
        """What became of events so far."""
        return self._outbox.counts

    async def send(self, event: Event) -> str:
        """Take an event; its id. Raises `InputError` for what is none, `OverloadedError` when full."""
        row = event_row(event)
        async with self._changed:
            self._require_open()
            if not await self._waited(lambda: not self._outbox.is_full, self._config.full_wait_s):
                raise OverloadedError(
                    "the sender holds as many events as it may", found=f"{self._config.capacity}"
                )
            self._require_open()
            self._outbox.put(row)
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="recsys-events")
            self._changed.notify_all()
        return str(row["event_id"])

    async def flush(self, timeout_s: float | None = None) -> None:
        """Return when everything taken so far is durable, or refused; raises `UnsentEventsError`."""
        wait_s = self._config.close_wait_s if timeout_s is None else timeout_s
        async with self._changed:
            mark = self._outbox.want_all()
            self._changed.notify_all()
            if not await self._waited(lambda: self._outbox.reached(mark), wait_s):
                raise UnsentEventsError(self._outbox.unsent, self._outbox.error)

    async def close(self, timeout_s: float | None = None) -> None:
        """Send what waits, then end the task; raises `UnsentEventsError` with what could not be sent."""
        async with self._changed:
            self._closing = True
            self._changed.notify_all()
        try:
            await self.flush(timeout_s)
        finally:
            self._ended = True
            if self._task is not None:  # it may be waiting for an answer that does not come
                self._task.cancel()
                await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def _require_open(self) -> None:
        if self._closing:
            raise InputError("the sender is closed", expected="an event before close()")

    async def _run(self) -> None:
        while (batch := await self._next()) is not None:
            try:
                ack = await self._client.send(rows_call(batch))
            except ServiceError as error:
                async with self._changed:
                    pause_s = self._outbox.failed(error)
                    self._changed.notify_all()
                    await self._pause(pause_s)
            else:
                async with self._changed:
                    self._outbox.taken(ack)
                    self._changed.notify_all()

    async def _next(self) -> list[Row] | None:
        """The next batch when it is due; None when there is none to come."""
        async with self._changed:
            while not self._ended:
                if (due_s := self._outbox.due_in_s()) == 0.0:
                    return self._outbox.take()
                await self._until(self._changed.wait(), due_s)
        return None

    async def _pause(self, seconds: float) -> None:
        """Wait, with the lock let go; who closes does not want to wait out a long pause."""
        if self._closing or await self._waited(lambda: self._closing, seconds):
            await self._waited(lambda: self._ended, min(seconds, CLOSING_PAUSE_S))

    async def _waited(self, come: Callable[[], bool], timeout_s: float) -> bool:
        """Whether it came in time; the lock is held before and after."""
        return come() or (await self._until(self._changed.wait_for(come), timeout_s) and come())

    async def _until(self, what: Awaitable[object], timeout_s: float | None) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await what
        except TimeoutError:
            return False
        return True
