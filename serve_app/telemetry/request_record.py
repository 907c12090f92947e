"""The request that is worked on, wherever its work is done.

A context variable holds it, which tasks and threads of `asyncio` inherit: log lines find their request id
without a parameter in every signature. What is kept here may be written into logs and traces, so nothing
of a person belongs into it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

WELL_FORMED = re.compile(r"[0-9a-fA-F-]{20,64}", re.ASCII)
"""Ids that machines draw: UUIDs, hexadecimal numbers. A name, an address or a card's number is none."""
_DRAWN = random.Random()
"""Nothing is kept secret by an id; the system's own randomness lets other threads in at each draw."""
_IN_HAND: ContextVar[RequestRecord | None] = ContextVar("request_in_hand", default=None)


@dataclass(slots=True)
class RequestRecord:
    """What is told of one request when it has been answered."""

    request_id: str
    index_version: str = ""
    """The version that answered; empty where none was asked."""
    coverage: float | None = None
    """The least coverage of its lists; None where there was no list."""
    degraded: set[str] = field(default_factory=set)
    """What its lists had to do without."""

    def note_list(self, index_version: str, coverage: float, degraded: Iterable[str]) -> None:
        """Take in one list of the answer."""
        self.index_version = index_version
        self.coverage = coverage if self.coverage is None else min(self.coverage, coverage)
        self.degraded.update(degraded)


def request_id_of(given: str | None) -> str:
    """The caller's id where it is `WELL_FORMED`, else a new one.

    Any other text is replaced, since it would be written into every log: it may be a person's.
    """
    return given if given and WELL_FORMED.fullmatch(given) else f"{_DRAWN.getrandbits(128):032x}"


def current_request() -> RequestRecord | None:
    """The request in hand; None in work that nobody asked for."""
    return _IN_HAND.get()


@contextmanager
def request_in_hand(record: RequestRecord) -> Iterator[None]:
    """Work on a request inside the block, and in tasks that it starts."""
    token = _IN_HAND.set(record)
    try:
        yield
    finally:
        _IN_HAND.reset(token)
