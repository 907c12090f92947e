"""An HTTP server inside an ingress replica: requests reach the recommender without a proxy in between."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI

from recsys.config import ServeConfig
from recsys.errors import CapacityError
from serve_app.eager_server import EagerServer
from serve_app.even_doors import EvenDoors

log = logging.getLogger(__name__)
STOP_TIMEOUT_S = 5.0
KEEP_ALIVE_S = 60
BACKLOG = 2048


class HttpDoor:
    """Serves an application on a thread and an event loop of its own.

    Every replica on a machine listens on the same port; the kernel spreads connections over them
    (SO_REUSEPORT) and stops at once for a replica that died.
    """

    def __init__(
        self, api: FastAPI, prepare: Callable[[], Awaitable[None]], config: ServeConfig, folder: Path
    ) -> None:
        """Start; returns when `prepare` has ended on the door's loop and requests are answered.

        In `folder` the doors of one port tell each other how many connections they have. Raises what
        `prepare` or the server raised, and `CapacityError` when the address cannot be bound; a port that
        another such door has is shared with it.
        """
        self._prepare = prepare
        bound = _bind(config.host, config.port)
        doors = EvenDoors(api, self.num_connections, folder)
        self._server = EagerServer(_config(doors, config), bound)
        self._loop: asyncio.AbstractEventLoop | None = None
        ready: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(bound, ready), name="http", daemon=True)
        self._thread.start()
        ready.result()

    async def check(self, timeout_s: float) -> None:
        """Raise `CapacityError` when the server has ended, or its loop does not turn within the time."""
        if self._loop is None or not self._thread.is_alive() or not self._server.started:
            raise CapacityError("the HTTP server has ended")
        turned = asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop)
        try:
            await asyncio.wait_for(asyncio.wrap_future(turned), timeout_s)
        except TimeoutError as error:
            raise CapacityError("the HTTP server is stuck", expected=f"a turn in {timeout_s:g} s") from error

    def num_connections(self) -> int:
        """Open connections."""
        return len(self._server.server_state.connections)

    def close(self) -> None:
        """Finish the requests that are on their way, then stop listening."""
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self, bound: socket.socket, ready: Future[None]) -> None:
        try:
            with contextlib.closing(bound), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(bound, ready))
        except BaseException as error:  # whatever it is, the constructor must raise it
            if ready.done():
                log.exception("the HTTP server has ended")
            else:
                ready.set_exception(error)

    async def _serve(self, bound: socket.socket, ready: Future[None]) -> None:
        self._loop = asyncio.get_running_loop()
        await self._prepare()
        told = asyncio.create_task(self._tell(ready))
        # Listens only now: the kernel would deal connections to a replica that is still loading.
        await self._server.serve()
        await told

    async def _tell(self, ready: Future[None]) -> None:
        while not self._server.started and not self._server.should_exit:
            await asyncio.sleep(0.01)
        ready.set_result(None)


def _config(api: EvenDoors, config: ServeConfig) -> uvicorn.Config:
    quiet: dict[str, Any] = {"log_config": None, "log_level": "warning", "access_log": False}
    return uvicorn.Config(
        api,
        http="httptools",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        backlog=BACKLOG,
        callback_notify=api.tell,
        timeout_notify=1,
        timeout_graceful_shutdown=int(STOP_TIMEOUT_S),
        ssl_certfile=config.tls_certificate,
        ssl_keyfile=str(config.tls_key) if config.tls_key else None,
        **quiet,
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Answers are one small packet; waiting to fill a larger one would cost 40 ms.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise CapacityError("the service cannot listen", found=str(error), where=f"{host}:{port}") from error
    return bound
