"""Answers on their way into the log: gathered in memory, written in the background."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from cluster.answer_store import AnswerStore
from recsys.answer_record import AnswerRecord
from recsys.errors import RecsysError
from serve_app.metrics import Metrics

log = logging.getLogger(__name__)
PERIOD_S = 0.25
MAX_WAITING = 20_000
ROWS_PER_WRITE = 1_000
FORGET_EVERY_S = 3_600.0
DAY_US = 86_400_000_000


class AnswerJournal:
    """Writes answers in groups; a list never waits for it, and never fails with it.

    What waits longest is dropped, and counted, when the log takes no more for long.
    """

    def __init__(self, store: AnswerStore, metrics: Metrics, keep_days: float = 90.0) -> None:
        self._store, self._metrics, self._keep_days = store, metrics, keep_days
        self._forgot_s = time.monotonic() - FORGET_EVERY_S
        self._waiting: deque[AnswerRecord] = deque()
        self._turn = asyncio.Lock()

    def add(self, answer: AnswerRecord) -> None:
        """Take one answer; it is in the log within about a quarter of a second."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._metrics.answers.labels("dropped").inc()
        self._waiting.append(answer)

    async def flush(self) -> None:
        """Write what waits now; raises `StoreError` and keeps what could not be written.

        What another flush has taken up is written as well when this returns.
        """
        async with self._turn:
            while self._waiting:
                await self._write(
                    [self._waiting.popleft() for _ in range(min(len(self._waiting), ROWS_PER_WRITE))]
                )

    async def _write(self, group: list[AnswerRecord]) -> None:
        try:
            await asyncio.to_thread(self._store.append, group)
        except RecsysError:
            self._waiting.extendleft(reversed(group))
            raise
        self._metrics.answers.labels("logged").inc(len(group))

    async def _forget(self) -> None:
        """Once an hour: remove what is too old."""
        if time.monotonic() - self._forgot_s >= FORGET_EVERY_S:
            self._forgot_s = time.monotonic()
            oldest = time.time_ns() // 1_000 - int(self._keep_days * DAY_US)
            await asyncio.to_thread(self._store.remove_before, oldest)

    async def run(self) -> None:
        """Write for ever; one failed write does not end it."""
        while True:
            await asyncio.sleep(PERIOD_S)
            try:
                await self.flush()
                await self._forget()
            except RecsysError as error:
                log.warning("answers wait to be logged: %s", error)
