"""Events that wait to be sent: which batch is due, and what becomes of it. It starts no thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from recsys.client.errors import ServiceError
from recsys.config import Config
from recsys.errors import RecsysError
from recsys.payloads import EventsAck
from recsys.payloads.base import MAX_BATCH

log = logging.getLogger(__name__)
Row = dict[str, Any]
OF_THE_ROWS = frozenset({413, 422})
"""Statuses that blame what was sent; after all others the same batch may be taken later."""
LONGEST_DOUBLING = 30


class SenderConfig(Config):
    """When events are sent, and what happens while they cannot be."""

    max_batch: int = 500
    """A batch of so many is sent at once; the service takes 1,000 at most."""
    max_age_s: PositiveFloat = 1.0
    """An event waits for others no longer than this."""
    capacity: PositiveInt = 10_000
    """Events held at most, those under way included."""
    full_wait_s: NonNegativeFloat = 5.0
    """What `send` waits for room before it raises `OverloadedError`; 0 raises at once. Nothing is dropped."""
    first_pause_s: PositiveFloat = 0.5
    """Pause after a batch that the service did not take for all of the client's attempts; it doubles."""
    most_pause_s: PositiveFloat = 30.0
    """Longest such pause."""
    close_wait_s: NonNegativeFloat = 30.0
    """What `close` and `flush` wait for the rest to be taken."""


class UnsentEventsError(RecsysError):
    """The service did not take everything in time; `events` are what it may not have."""

    def __init__(self, events: Sequence[Row], error: ServiceError | None) -> None:
        super().__init__(f"{len(events)} events were not taken in time", found=str(error or "no answer yet"))
        self.events, self.error = list(events), error

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders."""
        return (type(self), (self.events, self.error))


@dataclass
class SenderCounts:
    """What became of events so far."""

    taken: int = 0
    """Acked as durable, also those that the service had already."""
    duplicates: int = 0
    """Of these: batches whose answer was lost on the way, sent again."""
    rejected: int = 0
    """Refused by the service as no events."""


class Outbox:
    """A bounded queue in order. One batch at a time is under way, so that order is kept.

    Not thread-safe: whoever uses it holds a lock.
    """

    def __init__(
        self,
        config: SenderConfig,
        clock: Callable[[], float],
        on_rejected: Callable[[Row, str], None] | None = None,
    ) -> None:
        """`on_rejected` gets each refused event with the reason; without it, reasons are logged."""
        self.counts = SenderCounts()
        self.error: ServiceError | None = None
        """Why the last batch was not taken; None after one that was."""
        self._config, self._clock, self._on_rejected = config, clock, on_rejected
        self._waiting: deque[tuple[float, Row]] = deque()
        self._under_way: list[tuple[float, Row]] = []
        self._queued = self._settled = self._wanted = 0
        self._most = self._limit = min(max(config.max_batch, 1), MAX_BATCH)
        self._failures = 0

    @property
    def unsent(self) -> list[Row]:
        """Everything that is not settled, in order."""
        return [row for _, row in (*self._under_way, *self._waiting)]

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another event."""
        return self._queued - self._settled >= self._config.capacity

    def put(self, row: Row) -> None:
        """Take an event."""
        self._waiting.append((self._clock(), row))
        self._queued += 1

    def want_all(self) -> int:
        """Everything that waits is due now; the mark at which it is settled."""
        self._wanted = self._queued
        return self._wanted

    def reached(self, mark: int) -> bool:
        """Whether everything up to a mark is settled."""
        return self._settled >= mark

    def due_in_s(self) -> float | None:
        """Seconds until a batch is to be sent, 0 for now; None while nothing waits."""
        if not self._waiting:
            return None
        if len(self._waiting) >= self._limit or self._settled < self._wanted:
            return 0.0
        return max(self._waiting[0][0] + self._config.max_age_s - self._clock(), 0.0)

    def take(self) -> list[Row]:
        """The next batch, which is then under way until `taken` or `failed`."""
        count = min(len(self._waiting), self._limit)
        self._under_way = [self._waiting.popleft() for _ in range(count)]
        return [row for _, row in self._under_way]

    def taken(self, ack: EventsAck) -> None:
        """The batch under way was taken."""
        for one in ack.rejected:
            self._reject(self._under_way[one.row][1], f"{one.reason}: {one.detail}")
        self.counts.taken += len(self._under_way) - len(ack.rejected)
        self.counts.duplicates += ack.duplicates
        self._settle()
        self._limit = min(self._limit * 2, self._most)

    def failed(self, error: ServiceError) -> float:
        """The batch under way was not taken; seconds to wait before the next one.

        Where the rows are to blame, halves are tried, down to the row that is; it is rejected. Whatever
        else it was, the batch goes back to its place.
        """
        if error.status not in OF_THE_ROWS:
            self._give_back()
            self.error, self._failures = error, self._failures + 1
            doubled = self._config.first_pause_s * 2.0 ** min(self._failures - 1, LONGEST_DOUBLING)
            return min(doubled, self._config.most_pause_s)
        if len(self._under_way) > 1:
            self._limit = len(self._under_way) // 2
            self._give_back()
        else:
            self._reject(self._under_way[0][1], error.what)
            self._settle()
        return 0.0

    def _settle(self) -> None:
        self._settled += len(self._under_way)
        self._under_way, self.error, self._failures = [], None, 0

    def _give_back(self) -> None:
        self._waiting.extendleft(reversed(self._under_way))
        self._under_way = []

    def _reject(self, row: Row, reason: str) -> None:
        self.counts.rejected += 1
        if self._on_rejected is None:  # its content may name a person
            log.warning("the service refused an event of type %s: %s", row.get("event_type"), reason)
        else:
            self._on_rejected(row, reason)
