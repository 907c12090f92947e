"""An HTTP server inside an ingress replica: requests reach the recommender without a proxy in between."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp

from recsys.errors import CapacityError
from serve_app.even_doors import EvenDoors

START_TIMEOUT_S = 150.0
STOP_TIMEOUT_S = 5.0
KEEP_ALIVE_S = 60
BACKLOG = 2048


class HttpDoor:
    """Serves an application on a thread and an event loop of its own.

    Every replica on a machine listens on the same port; the kernel spreads connections over them
    (SO_REUSEPORT) and stops at once for a replica that died.
    """

    def __init__(
        self, api: FastAPI, prepare: Callable[[], Awaitable[None]], host: str, port: int, folder: Path
    ) -> None:
        """Start; returns when `prepare` has ended on the door's loop and requests are answered.

        In `folder` the doors of one port tell each other how many connections they have. Raises what
        `prepare` raised, and `CapacityError` when it takes too long or the port is taken.
        """
        self._prepare, self._where = prepare, f"{host}:{port}"
        listening = _listen(host, port)
        self._server = uvicorn.Server(_config(EvenDoors(api, self._num_connections, folder)))
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]  # not the main thread
        ready: Future[None] = Future()
        self._thread = Thread(target=self._run, args=(listening, ready), name="http", daemon=True)
        self._thread.start()
        try:
            ready.result(START_TIMEOUT_S)
        except TimeoutError as error:
            self.close()
            raise CapacityError("the HTTP server does not start", where=self._where) from error

    @property
    def answers(self) -> bool:
        """Whether the server is running."""
        return self._thread.is_alive() and self._server.started

    def _num_connections(self) -> int:
        return len(self._server.server_state.connections)

    def close(self) -> None:
        """Finish the requests that are on their way, then stop listening."""
        self._server.should_exit = True
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self, listening: socket.socket, ready: Future[None]) -> None:
        with contextlib.closing(listening), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve(listening, ready))

    async def _serve(self, listening: socket.socket, ready: Future[None]) -> None:
        try:
            await self._prepare()
        except BaseException as error:  # noqa: BLE001  # whatever it is, the constructor must raise it
            ready.set_exception(error)
            return
        told = asyncio.create_task(self._tell(ready))
        await self._server.serve(sockets=[listening])
        await told

    async def _tell(self, ready: Future[None]) -> None:
        while not self._server.started and not self._server.should_exit:
            await asyncio.sleep(0.01)
        ready.set_result(None)


def _config(api: ASGIApp) -> uvicorn.Config:
    quiet: dict[str, Any] = {"log_config": None, "log_level": "warning", "access_log": False}
    return uvicorn.Config(
        api,
        http="httptools",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(STOP_TIMEOUT_S),
        **quiet,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Answers are one small packet; waiting to fill a larger one would cost 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CapacityError("the service cannot listen", found=str(error), where=f"{host}:{port}") from error
    return listening
