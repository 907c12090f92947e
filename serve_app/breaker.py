"""A circuit breaker: stop calling what keeps failing, and try it again after a rest."""

from __future__ import annotations

import time
from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row of one callee.

    Closed: calls pass. After `max_failures` in a row it opens and refuses calls for `open_s`
    seconds; then a single call is let through, whose outcome closes or reopens it.
    """

    def __init__(self, max_failures: int, open_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_failures, self._open_s, self._clock = max_failures, open_s, clock
        self._failures = 0
        self._retry_at = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are refused or on trial now."""
        return self._failures >= self._max_failures

    @property
    def failing(self) -> bool:
        """Whether the last call was not answered."""
        return self._failures > 0

    def allows(self) -> bool:
        """Whether a call may be made; while open, one trial per rest is granted."""
        if not self.is_open:
            return True
        if self._clock() < self._retry_at:
            return False
        self._retry_at = self._clock() + self._open_s
        return True

    def succeeded(self) -> None:
        """Record that a call was answered."""
        self._failures = 0

    def failed(self) -> None:
        """Record that a call was not answered; opens or prolongs the rest when due."""
        self._failures += 1
        if self.is_open:
            self._retry_at = self._clock() + self._open_s
