"""A key's requests of one day, counted by all replicas of one machine together."""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import finalize

NUMBERS = struct.Struct("<QQQQ")
COUNTER_BITS = 62
"""Fits a signed column of 64 bits."""


@dataclass(frozen=True)
class Counts:
    """What the file says."""

    counter: int = 0
    """Whose count this is, see `cluster.key_usage`; drawn when the file is made."""
    own: int = 0
    """Requests that this machine has let through."""
    written: int = 0
    """How many of them the database is known to have."""
    others: int = 0
    """What all other counters had when they were last read."""

    @property
    def total(self) -> int:
        """Requests of all machines, as far as they are known here."""
        return self.own + self.others


class SharedCount:
    """Four numbers in a file that every replica of a machine has open.

    The file is read and written by calls and not mapped: a memory that is full refuses the write with
    `OSError`, where a mapped page would end the process. Not for several threads of one process.
    """

    def __init__(self, file: Path) -> None:
        """Open or begin the count; raises `OSError`."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        self.close = finalize(self, os.close, self._file)
        """Lets the file go; happens by itself with the last one who has the count."""
        with self._held():
            if not self._numbers()[0]:
                self._write(1 + secrets.randbits(COUNTER_BITS), 0, 0, 0)

    def take(self, most: int | None) -> int | None:
        """Count one request: the total with it, or None where the total is at `most` already."""
        with self._held():
            counter, own, written, others = self._numbers()
            if most is not None and own + others >= most:
                return None
            self._write(counter, own + 1, written, others)
            return own + 1 + others

    def read(self) -> Counts:
        """The numbers of now."""
        return Counts(*self._numbers())

    def note(self, *, written: int = 0, others: int = 0) -> None:
        """The database has so many, the others so many; neither goes down, since what is late is less."""
        with self._held():
            found = self.read()
            self._write(found.counter, found.own, max(found.written, written), max(found.others, others))

    def _numbers(self) -> tuple[int, int, int, int]:
        counter, own, written, others = NUMBERS.unpack(
            os.pread(self._file, NUMBERS.size, 0).ljust(NUMBERS.size, b"\0")
        )
        return counter, own, written, others

    def _write(self, *numbers: int) -> None:
        os.pwrite(self._file, NUMBERS.pack(*numbers), 0)

    @contextmanager
    def _held(self) -> Iterator[None]:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
