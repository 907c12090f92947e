"""X10: a person in every field and header, and errors of every kind: found in no log, metric, trace or error."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from recsys.config import LogConfig, LogFormat, ServeConfig
from recsys.errors import StoreError
from recsys.profile import UserProfile
from serve_app.api import create_api
from serve_app.service import ShopService
from serve_app.telemetry.log_file import PACKAGES, log_into, stop_logging
from serve_app.telemetry.spans import trace_with
from tests.serve.canaries import HEADERS, PERSON, THING, Asked, requests_of
from tests.serve.conftest import SmallShop, assemble_inline

SCENES = 5 * 30
"""Requests at least, so that an empty description of the API is noticed."""


class Broken:
    """A store that fails with what it was asked for in its message."""

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        raise self._error(f"cannot read {user_key}")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Spans of this process, kept in memory."""
    found, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace_with(provider.get_tracer("test"))
    yield found
    trace_with(None)


@pytest.fixture(params=[LogFormat.JSON, LogFormat.TEXT])
def log_folder(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Where this process logs everything."""
    import logging

    before = {name: logging.getLogger(name).level for name in PACKAGES}
    handler = log_into(tmp_path / "log", LogConfig(format=request.param, level="debug"), "ingress")
    yield tmp_path / "log"
    stop_logging(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def told(folder: Path) -> str:
    """Everything that was logged."""
    return "".join(file.read_text() for file in folder.iterdir())


async def answered(client: httpx.AsyncClient, asked: Asked) -> httpx.Response:
    """Send one request with the person in its headers as well."""
    headers = {**HEADERS, "content-type": "application/json"}
    return await client.request(
        asked.method, asked.path, content=asked.content, params=asked.params, headers=headers
    )


def everything(service: ShopService, wanted: int) -> tuple[list[httpx.Response], str]:
    """The answers to every canary, and the metrics afterwards."""
    api = create_api(service)

    async def run() -> tuple[list[httpx.Response], str]:
        await service.start()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://shop") as client:
            found = [await answered(client, asked) for asked in requests_of(api.openapi())]
            metrics = (await client.get("/metrics")).text
        await service.stop()
        return found, metrics

    found, metrics = asyncio.run(run())
    assert len(found) > wanted
    return found, metrics


def refused(answers: list[httpx.Response]) -> Iterator[dict[str, Any]]:
    """What was said of faults: error bodies, and refused rows of batches."""
    for answer in answers:
        if answer.status_code >= 400:
            body = answer.json()
            assert body["request_id"] == answer.headers["x-request-id"]
            yield body
        elif "rejected" in answer.text:
            yield from answer.json()["rejected"]


def test_a_person_in_every_field_and_header_is_told_on_nowhere(
    service: ShopService, spans: InMemorySpanExporter, log_folder: Path
) -> None:
    answers, metrics = everything(service, SCENES)
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 404, 405, 413, 422}
    assert 500 not in statuses
    lines = told(log_folder)
    assert lines.count("/v1/recommend") > 5
    for place, content in (
        ("log", lines),
        ("metrics", metrics),
        ("traces", "".join(span.to_json() for span in spans.get_finished_spans())),
    ):
        assert content
        assert [one for one in (PERSON, THING) if one in content] == [], place
    for fault in refused(answers):
        assert PERSON not in str(fault), fault
    assert not any(PERSON in str(answer.headers) for answer in answers)


@pytest.mark.parametrize(("error", "status"), [(StoreError, 503), (RuntimeError, 500)])
def test_an_error_whose_message_quotes_the_person_does_not_tell_it_either(
    small_shop: SmallShop,
    config: ServeConfig,
    spans: InMemorySpanExporter,
    log_folder: Path,
    error: type[Exception],
    status: int,
) -> None:
    service = assemble_inline(small_shop, config, Broken(error))
    answers, metrics = everything(service, SCENES)
    profile = next(one for one in answers if one.url.path.endswith("/profile"))
    assert profile.status_code in (status, 422)
    assert any(one.status_code == status for one in answers)
    for content in (
        told(log_folder),
        metrics,
        "".join(span.to_json() for span in spans.get_finished_spans()),
    ):
        assert PERSON not in content
    for fault in refused(answers):
        assert PERSON not in str(fault), fault
