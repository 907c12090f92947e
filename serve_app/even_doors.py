"""Connections spread evenly over the replicas that share a port."""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.response_header import with_header

COUNT = struct.Struct("<q")
SUFFIX = ".connections"
LOOK_S = 1.0
"""How often replicas that came or went are looked for."""
SETTLE_S = 0.02
"""Rest after a connection was ended: it is dealt anew before another one is."""
BEARABLE = 1
"""Connections that one replica may have more than another."""


class EvenDoors:
    """ASGI middleware: a replica that has more connections than another ends one of its own.

    The kernel deals new connections by a hash; of eight on two replicas one often gets six, and all that
    they ask waits longer. A client whose connection ends after an answer opens another, which is dealt
    anew. Each replica keeps its number of connections in a file of `folder` that the others map.
    """

    def __init__(
        self,
        app: ASGIApp,
        connections: Callable[[], int],
        folder: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._connections, self._folder, self._clock = app, connections, folder, clock
        folder.mkdir(parents=True, exist_ok=True)
        self._own: mmap.mmap | None = None
        self._others: list[mmap.mmap] = []
        self._looked = self._ended = -LOOK_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] == "http" and self.must_end():
            send = with_header(send, b"connection", b"close")
        await self._app(scope, receive, send)

    def must_end(self) -> bool:
        """Tell the others how many connections there are here; whether one of them is too many."""
        now, own = self._clock(), self._connections()
        self._write(own)
        if now - self._looked >= LOOK_S:
            self._looked, self._others = now, self._open_others()
        fewest = min((COUNT.unpack_from(other, 0)[0] for other in self._others), default=own)
        if own - fewest <= BEARABLE or now - self._ended < SETTLE_S:
            return False
        self._ended = now
        return True

    async def tell(self) -> None:
        """Tell the others without a request: connections end by themselves, too."""
        self._write(self._connections())

    def _write(self, connections: int) -> None:
        if self._own is None:  # not before there is a request: a door that loads takes none
            self._own = _count_file(self._folder / f"{os.getpid()}{SUFFIX}")
        COUNT.pack_into(self._own, 0, connections)

    def _open_others(self) -> list[mmap.mmap]:
        found = []
        for file in self._folder.glob(f"*{SUFFIX}"):
            # A file that goes or cannot be mapped now costs evenness for a second, not an answer.
            with contextlib.suppress(OSError, ValueError):
                pid = int(file.name.removesuffix(SUFFIX))
                if pid == os.getpid():
                    continue
                if _lives(pid):
                    found.append(_count_file(file))
                else:
                    file.unlink(missing_ok=True)
        return found


def _count_file(file: Path) -> mmap.mmap:
    """A number that processes share; 0 in a new file."""
    with file.open("ab+") as content:
        content.truncate(COUNT.size)
        return mmap.mmap(content.fileno(), COUNT.size)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's
    return True
