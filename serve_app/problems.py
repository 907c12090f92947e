"""Every failure as one JSON shape with the right status, and the guards in front of the routes."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.errors import (
    CapacityError,
    EncoderError,
    IndexVersionError,
    InputError,
    NotFoundError,
    OverloadedError,
    RecsysError,
    StoreError,
)

log = logging.getLogger(__name__)
RETRY_AFTER_S = "1"
STATUS: Mapping[type[RecsysError], int] = {
    NotFoundError: 404,
    InputError: 422,
    OverloadedError: 429,
    StoreError: 503,
    EncoderError: 503,
    IndexVersionError: 503,
    CapacityError: 503,
}


def status_of(error: RecsysError) -> int:
    """HTTP status of an error: that of its nearest listed ancestor, else 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(request: Request, status: int, kind: str, message: str, field: str | None = None) -> JSONResponse:
    """One error answer; load and outages carry Retry-After."""
    headers = {"Retry-After": RETRY_AFTER_S} if status in (429, 503) else {}
    request_id = getattr(request.state, "request_id", "")
    body = {"type": kind, "message": printable(message), "request_id": request_id}
    return JSONResponse(body | ({"field": printable(field)} if field else {}), status, headers)


def printable(text: str) -> str:
    """`text` cut to a bearable length, with lone surrogates (JSON allows them) made encodable."""
    return text[:1_000].encode("utf-8", "replace").decode("utf-8")


def install_handlers(api: FastAPI) -> None:
    """Map this product's errors, validation errors and routing errors to `problem`."""

    async def on_recsys_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RecsysError)
        kind = next(k.__name__ for k in type(error).__mro__ if k.__module__ == RecsysError.__module__)
        if (status := status_of(error)) >= 500:
            log.warning("%s: %s", kind, error)
        return problem(request, status, kind, str(error))

    async def on_invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part != "body")
        return problem(request, 422, "InvalidRequest", f"{field or 'body'}: {first['msg']}", field or None)

    async def on_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, StarletteHTTPException)
        return problem(request, error.status_code, "HttpError", str(error.detail))

    api.add_exception_handler(RecsysError, on_recsys_error)
    api.add_exception_handler(RequestValidationError, on_invalid)
    api.add_exception_handler(StarletteHTTPException, on_http)


class BodyTooLarge(HTTPException):
    """The body passed the limit while it was read."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(413, f"the body is larger than {max_bytes} bytes")


class RequestGuard:
    """Gives each request an id and stops reading a body at its limit."""

    def __init__(self, app: ASGIApp, max_body_bytes: int) -> None:
        self._app, self._max_bytes = app, max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise BodyTooLarge(self._max_bytes)
            return message

        async def tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        await self._app(scope, counted, tagged)
