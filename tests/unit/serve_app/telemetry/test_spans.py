"""Spans: none unless asked for, under their caller's, and without what may be a person's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from serve_app.stages import Stage
from serve_app.telemetry import RequestRecord, carried, continued, request_in_hand, span
from serve_app.telemetry.spans import OFF, received_span, trace_id, trace_with, traceparent

CALLER = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
NOT_SAMPLED = {"traceparent": CALLER["traceparent"][:-1] + "0"}


def tracing(ratio: float) -> Iterator[InMemorySpanExporter]:
    """Spans of this process, kept in memory."""
    found = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)))
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace_with(provider.get_tracer("test"))
    yield found
    trace_with(None)


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    yield from tracing(1.0)


@pytest.fixture
def rare_spans() -> Iterator[InMemorySpanExporter]:
    yield from tracing(0.0)


def test_without_a_tracer_there_is_nothing() -> None:
    with received_span("request", CALLER, sampled_only=False) as one, Stage("encode"):
        assert one is None
        assert span("merge") is OFF
        assert traceparent() is None
        assert trace_id() is None


def test_a_stage_is_under_its_request_and_that_under_its_caller(spans: InMemorySpanExporter) -> None:
    with received_span("request", CALLER, sampled_only=False), Stage("retrieve"), span("merge"):
        assert trace_id() == "0af7651916cd43dd8448eb211c80319c"
    merge, stage, request = spans.get_finished_spans()
    assert [one.name for one in (merge, stage, request)] == ["merge", "retrieve", "request"]
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == "b7ad6b7169203331"
    for below, above in ((stage, request), (merge, stage)):
        assert below.parent is not None
        assert above.context is not None
        assert below.parent.span_id == above.context.span_id


def test_a_stage_outside_a_request_is_no_trace_of_its_own(spans: InMemorySpanExporter) -> None:
    with Stage("encode"), span("merge"):
        pass
    assert spans.get_finished_spans() == ()


def test_the_caller_decides_and_the_ratio_decides_about_the_rest(rare_spans: InMemorySpanExporter) -> None:
    for carrier in (CALLER, NOT_SAMPLED, {}, {"traceparent": "anna@example.org"}):
        with received_span("request", carrier, sampled_only=False), span("merge"):
            pass
    assert [one.name for one in rare_spans.get_finished_spans()] == ["merge", "request"]


def test_an_error_is_named_and_not_quoted(spans: InMemorySpanExporter) -> None:
    with (
        pytest.raises(ValueError, match="anna"),
        received_span("request", {}, sampled_only=False),
        span("encode"),
    ):
        raise ValueError("anna@example.org")
    for one in spans.get_finished_spans():
        assert "anna" not in one.to_json()
        assert one.attributes is not None
        assert one.attributes["error.type"] == "ValueError"


def test_what_vendors_add_is_not_carried_on(spans: InMemorySpanExporter) -> None:
    carrier = CALLER | {"tracestate": "shop=anna", "baggage": "user=anna"}
    with (
        request_in_hand(RequestRecord("id")),
        received_span("request", carrier, sampled_only=False),
        span("merge"),
    ):
        assert set(carried()) == {"request_id", "traceparent"}
    assert "anna" not in "".join(one.to_json() for one in spans.get_finished_spans())


def test_a_call_goes_on_in_its_callers_trace_and_starts_none_of_its_own(spans: InMemorySpanExporter) -> None:
    @continued("shard.search")
    async def called() -> None:
        with span("scan"):
            pass

    async def run() -> None:
        with request_in_hand(RequestRecord("id")), received_span("request", CALLER, sampled_only=False):
            sent = carried()
        await asyncio.gather(called(carried=sent))
        await called()

    asyncio.run(run())
    request, scan, search = spans.get_finished_spans()
    assert [one.name for one in (request, scan, search)] == ["request", "scan", "shard.search"]
    assert search.parent is not None
    assert request.context is not None
    assert search.parent.span_id == request.context.span_id
