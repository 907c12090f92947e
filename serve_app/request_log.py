"""One line for each request, its id, and its trace."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.problems import WATCHED, problem
from serve_app.response_header import with_header
from serve_app.telemetry.log_lines import FIELDS
from serve_app.telemetry.request_record import RequestRecord, request_id_of, request_in_hand
from serve_app.telemetry.spans import received_span

if TYPE_CHECKING:
    from opentelemetry.trace import Span

log = logging.getLogger(__name__)
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
OTHER, UNKNOWN = "OTHER", "unknown"


def with_request_id(scope: Scope, headers: Headers, send: Send, behind_proxy: bool) -> tuple[str, Send]:
    """The request's id, noted in its state, and a `send` that tells it."""
    given = headers.get("x-request-id")
    request_id = request_id_of(given)
    scope.setdefault("state", {})["request_id"] = request_id
    # Serve's proxy gives each request an id and repeats it in the answer.
    if behind_proxy and given == request_id:
        return request_id, send
    return request_id, with_header(send, b"x-request-id", request_id.encode())


class RequestLog:
    """Gives each request an id, logs and traces it, and answers 500 for what nobody foresaw.

    A line holds the method, the route's template (never a path, which may name a person), status, time,
    the index version and what its lists lacked. Requests of those who watch the service are logged at
    level debug and not traced.
    """

    def __init__(self, app: ASGIApp, behind_proxy: bool = False) -> None:
        self._app, self._behind_proxy = app, behind_proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id, send = with_request_id(scope, headers, send, self._behind_proxy)
        record = RequestRecord(request_id)
        answer = _Answer(scope, send, record)
        watched = scope["path"] in WATCHED
        with request_in_hand(record), received_span("request", headers, sampled_only=watched) as span:
            try:
                await self._app(scope, receive, answer.send)
            except Exception as error:  # noqa: BLE001  # whatever it is, the caller gets an answer
                await answer.broken(receive, error)
            finally:
                answer.tell(span, logging.DEBUG if watched else logging.INFO)


class _Answer:
    """What becomes of one request."""

    def __init__(self, scope: Scope, send: Send, record: RequestRecord) -> None:
        self._scope, self._send, self._record = scope, send, record
        self._start, self._status = time.perf_counter(), 0

    async def send(self, message: Message) -> None:
        """Pass on, and see the status."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    async def broken(self, receive: Receive, error: Exception) -> None:
        """Answer in the place of code that failed; raise where the answer had begun already."""
        log.error("an error that nobody foresaw", exc_info=error)
        if self._status:
            raise error
        message = "something is wrong in the service; its log has more under this request_id"
        answer = problem(HTTPConnection(self._scope), 500, "InternalError", message)
        await answer(self._scope, receive, self.send)

    def tell(self, span: Span | None, level: int) -> None:
        """Write the line and the attributes of the span."""
        if span is None and not log.isEnabledFor(level):
            return
        told = self._told()
        if span is not None:
            span.update_name(f"{told['method']} {told['route']}")
            span.set_attributes(_attributes(told))
        line = (told["method"], told["route"], told["status"], told["milliseconds"])
        log.log(level, "%s %s %d in %.1f ms", *line, extra={FIELDS: told})

    def _told(self) -> dict[str, Any]:
        record, method = self._record, self._scope["method"]
        return {
            "method": method if method in METHODS else OTHER,
            "route": getattr(self._scope.get("route"), "path", UNKNOWN),
            "status": self._status or 500,
            "milliseconds": round(1e3 * (time.perf_counter() - self._start), 1),
            "index_version": record.index_version or None,
            "coverage": record.coverage,
            "degraded": sorted(record.degraded),
        }


def _attributes(told: Mapping[str, Any]) -> dict[str, Any]:
    """As OpenTelemetry's conventions call them, where they have a name for it."""
    named = {
        "http.request.method": told["method"],
        "http.route": told["route"],
        "http.response.status_code": told["status"],
        "recsys.index_version": told["index_version"],
        "recsys.coverage": told["coverage"],
        "recsys.degraded": told["degraded"],
    }
    return {name: value for name, value in named.items() if value is not None}
