"""Answers on their way into the log: gathered in memory, written in the background."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from cluster.answer_store import AnswerStore
from recsys.answer_record import AnswerRecord
from recsys.errors import RecsysError
from serve_app.metrics import Metrics

log = logging.getLogger(__name__)
PERIOD_S = 0.25
MAX_WAITING = 20_000
ROWS_PER_WRITE = 1_000


class AnswerJournal:
    """Writes answers in groups; a list never waits for it, and never fails with it.

    What waits longest is dropped, and counted, when the log takes no more for long.
    """

    def __init__(self, store: AnswerStore, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics
        self._waiting: deque[AnswerRecord] = deque()

    def add(self, answer: AnswerRecord) -> None:
        """Take one answer; it is in the log within about a quarter of a second."""
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._metrics.answers.labels("dropped").inc()
        self._waiting.append(answer)

    async def flush(self) -> None:
        """Write what waits now; raises `StoreError` and keeps what could not be written."""
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), ROWS_PER_WRITE))]
            try:
                await asyncio.to_thread(self._store.append, group)
            except RecsysError:
                self._waiting.extendleft(reversed(group))
                raise
            self._metrics.answers.labels("logged").inc(len(group))

    async def run(self) -> None:
        """Write for ever; one failed write does not end it."""
        while True:
            await asyncio.sleep(PERIOD_S)
            try:
                await self.flush()
            except RecsysError as error:
                log.warning("answers wait to be logged: %s", error)
