"""One line for each request, with its id and its route's template, and an answer for every error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from serve_app.request_log import RequestLog
from serve_app.telemetry import current_request
from serve_app.telemetry.log_lines import FIELDS

LOGGER = "serve_app.request_log"
GIVEN = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


async def listed(_: Request) -> PlainTextResponse:
    record = current_request()
    assert record is not None
    record.note_list("v1", 0.5, {"timeout"})
    return PlainTextResponse(record.request_id)


async def broken(_: Request) -> PlainTextResponse:
    raise RuntimeError("anna@example.org")


async def broken_midway(_: Request) -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        raise RuntimeError("anna@example.org")

    return StreamingResponse(parts())


def asked(path: str, method: str = "GET") -> httpx.Response:
    """One request with an id, through the log."""
    routes = [Route("/list/{user}", listed), Route("/broken", broken), Route("/midway", broken_midway)]
    routes.append(Route("/healthz", listed))
    app = Starlette(routes=routes)
    app.add_middleware(RequestLog)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://log") as client:
            return await client.request(method, path, headers={"x-request-id": GIVEN})

    return asyncio.run(ask())


def test_a_line_has_the_template_and_what_was_noted(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        answer = asked("/list/anna")
    assert (answer.text, answer.headers["x-request-id"]) == (GIVEN, GIVEN)
    (record,) = caplog.records
    told = getattr(record, FIELDS)
    assert told.pop("milliseconds") >= 0.0
    assert told == {
        "method": "GET",
        "route": "/list/{user}",
        "status": 200,
        "index_version": "v1",
        "coverage": 0.5,
        "degraded": ["timeout"],
    }


def test_an_error_that_nobody_foresaw_is_answered_and_logged_without_its_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = asked("/broken")
    assert answer.status_code == 500
    assert answer.json()["type"] == "InternalError"
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == GIVEN
    assert "anna" not in answer.text
    (error,) = caplog.records
    assert (error.levelname, error.getMessage()) == ("ERROR", "an error that nobody foresaw")
    assert error.exc_info


def test_an_answer_that_has_begun_cannot_be_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER), pytest.raises(RuntimeError):
        asked("/midway")
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


def test_those_who_watch_and_odd_methods_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, LOGGER):
        asked("/healthz")
        asked("/nowhere/anna", "ANNA")
    (record,) = caplog.records
    told = getattr(record, FIELDS)
    assert (told["method"], told["route"], told["status"]) == ("OTHER", "unknown", 404)
