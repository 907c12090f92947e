"""uvicorn's server, with all waiting connections taken in one turn of the loop."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket

import uvicorn

log = logging.getLogger(__name__)
AT_ONCE = 256
"""Connections taken in one turn: more would hold up those that are served already."""
NO_ROOM = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
REST_S = 1.0


class EagerServer(uvicorn.Server):
    """Serves on one bound socket.

    uvloop (libuv 1.45 and later) takes one connection in a turn. Where turns are long, since lists are made
    in them, new clients would then wait for seconds in the kernel's queue, where nobody can turn them away
    with a 503, while those who are connected already are answered.
    """

    def __init__(self, config: uvicorn.Config, bound: socket.socket) -> None:
        super().__init__(config)
        self._bound = bound
        self._connecting: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen and begin to take connections."""
        await super().startup([])
        self._bound.setblocking(False)
        self._bound.listen(self.config.backlog)
        self._watch()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, finish what is under way."""
        asyncio.get_running_loop().remove_reader(self._bound)
        self._bound.close()
        await super().shutdown([])

    def _watch(self) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(self._bound, self._take_all)

    def _take_all(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._bound.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            task = asyncio.create_task(self._connect(connection))
            self._connecting.add(task)
            task.add_done_callback(self._connecting.discard)

    def _rest(self, error: OSError) -> None:
        """Without a file for it a connection stays in the queue, and the loop would turn for it alone."""
        if error.errno not in NO_ROOM:
            raise error
        log.error("no connection can be taken for %g s: %s", REST_S, error)
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._bound)
        loop.call_later(REST_S, self._watch)

    async def _connect(self, connection: socket.socket) -> None:
        loop, ssl = asyncio.get_running_loop(), self.config.ssl
        try:
            await loop.connect_accepted_socket(self._protocol, connection, ssl=ssl)
        except OSError as error:  # gone already, or a handshake that failed: the client's matter
            log.debug("a connection came to nothing: %s", error)
            connection.close()

    def _protocol(self) -> asyncio.Protocol:
        kind = self.config.http_protocol_class
        return kind(  # type: ignore[call-arg]  # uvicorn types it as a bare Protocol, as it does for itself
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
