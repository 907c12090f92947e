"""Every failure as one JSON shape with the right status."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response

from recsys.errors import (
    CapacityError,
    ConflictError,
    EncoderError,
    GateError,
    IndexVersionError,
    InputError,
    NotFoundError,
    OverloadedError,
    RecsysError,
    ScopeError,
    SignatureError,
    StoreError,
    UnknownKeyError,
)
from serve_app.route_scopes import route_path, scopes_of

log = logging.getLogger(__name__)
RETRY_AFTER_S = "1"
NAME = re.compile(r"[A-Za-z_][\w\[\],.-]{0,63}", re.ASCII)
WATCHED = frozenset(("/healthz", "/readyz", "/metrics"))
STATUS: Mapping[type[RecsysError], int] = {
    NotFoundError: 404,
    ConflictError: 409,
    GateError: 409,
    InputError: 422,
    UnknownKeyError: 401,
    ScopeError: 403,
    OverloadedError: 429,  # and so is its kind, QuotaError
    StoreError: 503,
    EncoderError: 503,
    SignatureError: 503,
    IndexVersionError: 503,
    CapacityError: 503,
}


def status_of(error: RecsysError) -> int:
    """HTTP status of an error: that of its nearest listed ancestor, else 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


Shape = Callable[[int, str, str], Response]
"""Status, message and request id -> the answer as clients of another product understand it."""


def add_shape(api: FastAPI, paths: Sequence[str], shape: Shape) -> None:
    """Let refusals of these paths, and of all below them, have a shape of their own."""
    shapes: dict[str, Shape] = getattr(api.state, "problem_shapes", {})
    api.state.problem_shapes = shapes | dict.fromkeys(paths, shape)


def _shape_of(request: HTTPConnection) -> Shape | None:
    shapes: Mapping[str, Shape] = getattr(request.app.state, "problem_shapes", {})
    path = route_path(request.scope)
    return next((shape for start, shape in shapes.items() if f"{path}/".startswith(f"{start}/")), None)


def problem(
    request: HTTPConnection, status: int, kind: str, message: str, field: str | None = None
) -> Response:
    """One error answer; load and outages carry Retry-After."""
    headers = {"Retry-After": RETRY_AFTER_S} if status in (429, 503) else {}
    request_id = getattr(request.state, "request_id", "")
    if (shape := _shape_of(request)) is not None:
        answer = shape(status, printable(message), request_id)
        answer.headers.update(headers)
        return answer
    body = {"type": kind, "message": printable(message), "request_id": request_id}
    return JSONResponse(body | ({"field": printable(field)} if field else {}), status, headers)


def _name(part: str | int) -> str:
    """A part of a field's path; a key that is no plain name may be anything and is not repeated."""
    return str(part) if isinstance(part, int) or NAME.fullmatch(part) else "(key)"


def printable(text: str) -> str:
    """`text` cut to a bearable length, with lone surrogates (JSON allows them) made encodable."""
    return text[:1_000].encode("utf-8", "replace").decode("utf-8")


def install_handlers(api: FastAPI) -> None:
    """Map this product's errors, validation errors and routing errors to `problem`."""

    async def on_recsys_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RecsysError)
        kind = next(k.__name__ for k in type(error).__mro__ if k.__module__ == RecsysError.__module__)
        if (status := status_of(error)) >= 500:
            log.warning("%s: %s", kind, error)
        return problem(request, status, kind, str(error))

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        field = ".".join(_name(part) for part in first["loc"] if part != "body")
        return problem(request, 422, "InvalidRequest", f"{field or 'body'}: {first['msg']}", field or None)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHTTPException)
        # Bytes that are no text at all come as a 400 of FastAPI's own: broken JSON is one thing, a 422.
        status = 422 if error.status_code == 400 else error.status_code
        answer = problem(request, status, "HttpError", str(error.detail))
        if status == 405:
            answer.headers["Allow"] = ", ".join(sorted(scopes_of(api).at(route_path(request.scope))))
        return answer

    api.add_exception_handler(RecsysError, on_recsys_error)
    api.add_exception_handler(RequestValidationError, on_invalid)
    api.add_exception_handler(StarletteHTTPException, on_http)
