"""What stands in front of the routes: a bound on bodies, and on requests at the same time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from itertools import count

import orjson
from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.errors import CapacityError
from serve_app.problems import RETRY_AFTER_S, WATCHED
from serve_app.request_log import with_request_id

log = logging.getLogger(__name__)
TELL_S = 1.0
REFUSED = [(b"content-type", b"application/json"), (b"retry-after", RETRY_AFTER_S.encode())]


class BodyTooLarge(HTTPException):
    """The body passed the limit while it was read."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(413, f"the body is larger than {max_bytes} bytes")


class RequestGuard:
    """Stops reading a body at its limit, and turns away what is too much.

    Not more than `max_requests` are under way at the same time: beyond them memory and waiting grow
    without an end. From `calm_requests` on others are turned away as well while the oldest has been under
    way for longer than `max_wait_s`: requests share the processor, so where one waits all of them do, and
    answers that come too late for everybody are work for nothing. Those who watch the service (`WATCHED`)
    are always let in.

    Most lists are made without a pause, so that requests do not meet: they stand in the loop's queue, where
    nobody counts them. What tells of them is the turn of the loop: no more than `calm_requests` are let in in
    one turn, and none when it has worked for half of `max_wait_s`; whoever comes then has waited as long, and
    so have all behind it in the sockets.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_body_bytes: int,
        max_requests: int,
        calm_requests: int | None = None,
        max_wait_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        behind_proxy: bool = False,
        on_turned_away: Callable[[], None] = lambda: None,
    ) -> None:
        """`calm_requests`: None is `max_requests`, so that time has no say."""
        self._app, self._max_bytes, self._max_requests = app, max_body_bytes, max_requests
        self._calm, self._max_wait_s, self._clock = calm_requests or max_requests, max_wait_s, clock
        self._behind_proxy, self._on_turned_away = behind_proxy, on_turned_away
        error = CapacityError(
            "too many requests are under way",
            expected=f"at most {max_requests} in one replica, {self._calm} where they wait long",
        )
        self._refusal = {"type": type(error).__name__, "message": str(error)}
        self._numbers = count()
        self._begun: dict[int, float] = {}
        """When the requests under way began, the oldest first."""
        self._turn_began: float | None = None
        self._in_turn = 0
        self._turned_away, self._told = 0, clock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] not in WATCHED and self._is_full():
            await self._turn_away(scope, send)
            return
        number = next(self._numbers)
        self._begun[number] = self._clock()
        self._in_turn += 1
        try:
            await self._app(scope, self._counted(receive), send)
        finally:
            del self._begun[number]

    def _is_full(self) -> bool:
        if self._turn_is_full():
            return True
        if len(self._begun) < self._calm:
            return False
        oldest = next(iter(self._begun.values()))
        return len(self._begun) >= self._max_requests or self._clock() - oldest > self._max_wait_s

    def _turn_is_full(self) -> bool:
        now = self._clock()
        if self._turn_began is None:
            self._turn_began, self._in_turn = now, 0
            # Runs in the next turn, before the requests that arrived during this one.
            asyncio.get_running_loop().call_soon(self._end_turn)
        return self._in_turn >= self._calm or now - self._turn_began > self._max_wait_s / 2.0

    def _end_turn(self) -> None:
        self._turn_began = None

    def _counted(self, receive: Receive) -> Receive:
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            return message

        return counted

    async def _turn_away(self, scope: Scope, send: Send) -> None:
        self._on_turned_away()
        self._tell()
        request_id, send = with_request_id(scope, Headers(scope=scope), send, self._behind_proxy)
        body = orjson.dumps({**self._refusal, "request_id": request_id})
        headers = [*REFUSED, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _tell(self) -> None:
        """One line for all of a second: a line for each would cost more than to answer it."""
        self._turned_away += 1
        if (now := self._clock()) - self._told >= TELL_S:
            log.warning(
                "%d requests were turned away in the last %.1f s", self._turned_away, now - self._told
            )
            self._turned_away, self._told = 0, now
