"""Sends events in the background, in batches, from a thread."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from recsys.client.errors import ServiceError
from recsys.client.outbox import Outbox, Row, SenderConfig, SenderCounts, UnsentEventsError
from recsys.client.routes.events import Event, event_row, rows_call
from recsys.client.sync_client import Client
from recsys.errors import InputError, OverloadedError

log = logging.getLogger(__name__)
CLOSING_PAUSE_S = 0.5


class EventSender:
    """Takes events from any thread and sends them by size and by age.

    Each event is given its id and time when it is taken, so that what is sent again counts once. A batch
    that is not taken stays at the head and is tried for ever, with growing pauses. While the queue is
    full `send` waits, then raises `OverloadedError`; nothing is dropped. `close`, the end of a `with`
    block and the end of the program send what waits. What a killed process held is lost: whoever cannot
    bear that calls `Client.put_events` and waits for its answer.

    The thread starts with the first event, so a sender that is made before a fork works in each child
    that sends through it, as long as the parent has not. Close it before its client.
    """

    def __init__(
        self,
        client: Client,
        config: SenderConfig | None = None,
        on_rejected: Callable[[Row, str], None] | None = None,
    ) -> None:
        """`on_rejected` gets, in the thread, each event that the service refuses with the reason."""
        self._client, self._config = client, config or SenderConfig()
        self._outbox = Outbox(self._config, time.monotonic, on_rejected)
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closing = self._ended = False

    @property
    def counts(self) -> SenderCounts:
        """What became of events so far."""
        return self._outbox.counts

    def send(self, event: Event) -> str:
        """Take an event; its id. Raises `InputError` for what is none, `OverloadedError` when full."""
        row = event_row(event)
        with self._changed:
            self._require_open()
            if not self._changed.wait_for(lambda: not self._outbox.is_full, self._config.full_wait_s):
                raise OverloadedError(
                    "the sender holds as many events as it may", found=f"{self._config.capacity}"
                )
            self._require_open()
            self._outbox.put(row)
            self._start()
            self._changed.notify_all()
        return str(row["event_id"])

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when everything taken so far is durable, or refused; raises `UnsentEventsError`."""
        wait_s = self._config.close_wait_s if timeout_s is None else timeout_s
        with self._changed:
            mark = self._outbox.want_all()
            self._changed.notify_all()
            if not self._changed.wait_for(lambda: self._outbox.reached(mark), wait_s):
                raise UnsentEventsError(self._outbox.unsent, self._outbox.error)

    def close(self, timeout_s: float | None = None) -> None:
        """Send what waits, then end the thread; raises `UnsentEventsError` with what could not be sent."""
        atexit.unregister(self._at_exit)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        try:
            self.flush(timeout_s)
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _require_open(self) -> None:
        if self._closing:
            raise InputError("the sender is closed", expected="an event before close()")

    def _start(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="recsys-events", daemon=True)
            self._thread.start()
            atexit.register(self._at_exit)

    def _at_exit(self) -> None:
        try:
            self.close()
        except UnsentEventsError as error:
            log.error("%s", error)

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            try:
                ack = self._client.send(rows_call(batch))
            except ServiceError as error:
                with self._changed:
                    self._pause(self._outbox.failed(error))
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._outbox.taken(ack)
                    self._changed.notify_all()

    def _next(self) -> list[Row] | None:
        """The next batch when it is due; None when there is none to come."""
        with self._changed:
            while not self._ended:
                if (due_s := self._outbox.due_in_s()) == 0.0:
                    return self._outbox.take()
                self._changed.wait(due_s)
        return None

    def _pause(self, seconds: float) -> None:
        """Wait, with the lock let go; who closes does not want to wait out a long pause."""
        if not self._changed.wait_for(lambda: self._closing, seconds if not self._closing else 0.0):
            return
        self._changed.wait_for(lambda: self._ended, min(seconds, CLOSING_PAUSE_S))
