"""A rate that all replicas of one machine keep together."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from weakref import finalize

from recsys.access import RateLimit

TIME = struct.Struct("<d")


class SharedBucket:
    """The generic cell rate algorithm over one number in a file that every replica maps.

    The number is the time at which the bucket would be full again, on the machine's steady clock, which
    all of its processes read alike. A file of an earlier start of the machine is too far ahead or long
    past; both are mended by the first request.
    """

    def __init__(self, file: Path, rate: RateLimit, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self._clock = rate, clock
        self._step, self._most = 1.0 / rate.per_s, rate.burst / rate.per_s
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        self.close = finalize(self, os.close, self._file)
        """Lets the file go; happens by itself with the last one who has the bucket."""
        os.truncate(self._file, TIME.size)
        self._map = mmap.mmap(self._file, TIME.size)

    def take(self) -> float:
        """Take one request's share: 0.0 when it may go on, else the seconds until it may."""
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            now, (full_at,) = self._clock(), TIME.unpack_from(self._map, 0)
            if not now - self._most <= full_at <= now + self._most:
                full_at = now
            wanted: float = max(full_at, now) + self._step
            if (early := wanted - self._most - now) > 1e-9:
                return early
            TIME.pack_into(self._map, 0, wanted)
            return 0.0
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
