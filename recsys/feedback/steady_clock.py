"""Seconds that never jump: a monotonic clock that goes on after a restart."""

from __future__ import annotations

from collections.abc import Callable

MICROSECONDS = 1_000_000
MOST_AWAY_S = 86_400.0
"""Most of the time between two processes that counts: all a wall clock that jumped can do."""


class SteadyClock:
    """Seconds since the loop first ran.

    While a process lives they are its monotonic clock's, so that setting the wall clock changes nothing.
    Between two processes the wall clock is all there is: it counts from 0 to `MOST_AWAY_S` seconds, so that
    a jump backwards loses the pause at most and a jump forwards makes things a day older at most.
    """

    def __init__(self, saved: tuple[float, int] | None, wall_us: int, monotonic: Callable[[], float]) -> None:
        self._monotonic, self._start = monotonic, monotonic()
        self._offset_s = 0.0
        if saved is not None:
            seconds, at_us = saved
            self._offset_s = seconds + min(max((wall_us - at_us) / MICROSECONDS, 0.0), MOST_AWAY_S)

    def now_s(self) -> float:
        """Steady seconds; never less than before."""
        return self._offset_s + max(self._monotonic() - self._start, 0.0)
