"""X10: a person in every field and header: found in no log, metric, trace or error, whatever fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from cluster.database import open_database
from cluster.key_store import KeyStore
from recsys.access import Scope
from recsys.config import LogConfig, LogFormat, ServeConfig
from recsys.profile import UserProfile
from serve_app.api import create_api
from serve_app.key_watch import KeyWatch
from serve_app.service import ShopService
from serve_app.telemetry.log_file import PACKAGES, log_into, stop_logging
from serve_app.telemetry.spans import trace_with
from tests.asgi import TurnTransport
from tests.serve.canaries import HEADERS, PERSON, THING, Asked, requests_of
from tests.serve.conftest import SmallShop, assemble_inline

SCENES = 5 * 30
"""Requests at least, so that an empty description of the API is noticed."""


class Broken:
    """Profiles that fail with what they were asked for in the message."""

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        raise RuntimeError(f"cannot read {user_key}")


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
    headers = {**HEADERS, "content-type": "application/json", **asked.headers}
    return await client.request(
        asked.method, asked.path, content=asked.content, params=asked.params, headers=headers
    )


def all_of(
    service: ShopService, wanted: Sequence[Asked] = (), first: Callable[[], None] = lambda: None
) -> tuple[list[httpx.Response], str]:
    """The answers to these requests, or to every canary, and the metrics afterwards.

    `first` is called when the service has started.
    """
    api = create_api(service)

    async def run() -> tuple[list[httpx.Response], str]:
        await service.start()
        first()
        async with httpx.AsyncClient(transport=TurnTransport(api), base_url="http://shop") as client:
            found = [await answered(client, asked) for asked in wanted or requests_of(api.openapi())]
            metrics = (await client.get("/metrics")).text
        await service.stop()
        return found, metrics

    return asyncio.run(run())


def refused(answers: list[httpx.Response]) -> Iterator[dict[str, Any]]:
    """What was said of faults: error bodies, and refused rows of batches."""
    for answer in answers:
        if answer.status_code >= 400 and answer.url.path != "/readyz":
            body = answer.json()
            assert body["request_id"] == answer.headers["x-request-id"]
            yield body
        elif answer.url.path.endswith(":batch"):
            yield from answer.json()["rejected"]


def traced(spans: InMemorySpanExporter) -> str:
    """Every span, as exporters see it."""
    return "".join(span.to_json() for span in spans.get_finished_spans())


def assert_nobody_in(answers: list[httpx.Response], *places: str) -> None:
    """No canary where lines, metrics and spans go, and no person in what is said of faults."""
    for content in places:
        assert content
        assert PERSON not in content
        assert THING not in content
    for fault in refused(answers):
        assert PERSON not in str(fault), fault
    assert not any(PERSON in str(answer.headers) for answer in answers)


def test_a_person_in_every_field_and_header_is_told_on_nowhere(
    service: ShopService, spans: InMemorySpanExporter, log_folder: Path
) -> None:
    answers, metrics = all_of(service)
    assert len(answers) > SCENES
    statuses = {answer.status_code for answer in answers}
    assert statuses >= {200, 404, 405, 413, 422}
    assert 500 not in statuses
    lines = told(log_folder)
    assert lines.count("/v1/recommend") > 5
    assert_nobody_in(answers, lines, metrics, traced(spans))


VIEW = {"user_id": PERSON, "item_id": "i", "event_type": "view"}
OF_A_PERSON = (
    Asked("GET", f"/v1/users/{PERSON}/profile"),
    Asked("POST", "/v1/recommend", {"user_id": PERSON, "n": 3}),
    Asked("POST", "/v1/events:batch", {"events": [VIEW]}),
)


def test_an_error_that_nobody_foresaw_and_that_quotes_the_person_is_told_without(
    small_shop: SmallShop, config: ServeConfig, spans: InMemorySpanExporter, log_folder: Path
) -> None:
    service = assemble_inline(small_shop, config, Broken())
    answers, metrics = all_of(service, OF_A_PERSON)
    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert {fault["type"] for fault in refused(answers)} == {"InternalError"}
    lines = told(log_folder)
    assert "RuntimeError" in lines
    assert "test_canaries.py" in lines  # the place in the code
    assert_nobody_in(answers, lines, metrics, traced(spans))


def test_a_broken_database_is_told_without_what_was_asked_of_it(
    service: ShopService, small_shop: SmallShop, spans: InMemorySpanExporter, log_folder: Path
) -> None:
    def drop() -> None:
        with open_database(small_shop.workspace.database_url).begin() as connection:
            connection.exec_driver_sql("DROP TABLE events")

    answers, metrics = all_of(service, OF_A_PERSON, drop)
    assert [answer.status_code for answer in answers] == [503, 200, 503]
    lines = told(log_folder)
    assert "no such table" in lines
    assert_nobody_in(answers, lines, metrics, traced(spans))


def test_a_key_is_written_nowhere(
    service: ShopService, small_shop: SmallShop, spans: InMemorySpanExporter, log_folder: Path
) -> None:
    store = KeyStore(open_database(small_shop.workspace.database_url))
    secret = store.create("tester", tuple(Scope)).text
    service.keys = KeyWatch(store, 60.0)
    presented = {"authorization": f"Bearer {secret}"}, {"authorization": f"Bearer {secret}x"}
    wanted = [replace(asked, headers=headers) for headers in presented for asked in OF_A_PERSON]
    answers, metrics = all_of(service, wanted)
    assert [answer.status_code for answer in answers] == [404, 200, 200, 401, 401, 401]
    assert_nobody_in(answers, told(log_folder), metrics, traced(spans))
    for content in (told(log_folder), metrics, traced(spans), *(answer.text for answer in answers)):
        assert secret not in content
