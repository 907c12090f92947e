"""Spans of OpenTelemetry around parts of a request; off unless a process was told where they go.

A span exists only inside a request that is sampled. It never holds an exception's message, since messages
may quote what a caller sent: only the exception's type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanKind, Tracer

TRACEPARENT = "traceparent"
OFF: AbstractContextManager[Span | None] = nullcontext()
Attributes = Mapping[str, str | int | float]
_tracer: Tracer | None = None


def trace_with(tracer: Tracer | None) -> None:
    """Make this process's spans with `tracer`; None switches them off."""
    global _tracer  # a setting of the process, as that of its loggers
    _tracer = tracer


def span(name: str, attributes: Attributes | None = None) -> AbstractContextManager[Span | None]:
    """A part of the sampled request in hand; nothing outside of one."""
    if _tracer is None or not _is_recording():
        return OFF
    from opentelemetry.trace import SpanKind

    return _recorded(_tracer, name, SpanKind.INTERNAL, {}, attributes)


def received_span(
    name: str, carrier: Mapping[str, str], attributes: Attributes | None = None, *, sampled_only: bool
) -> AbstractContextManager[Span | None]:
    """The work that a caller asked this process for, under the caller's span where `carrier` names one.

    With `sampled_only` there is none without a sampled caller; else the sampler decides about a request
    that comes without a trace.
    """
    if _tracer is None or (sampled_only and TRACEPARENT not in carrier):
        return OFF
    from opentelemetry.trace import SpanKind

    return _recorded(_tracer, name, SpanKind.SERVER, carrier, attributes)


def traceparent() -> str | None:
    """The span in hand as W3C Trace Context writes it; None where none is recorded."""
    if _tracer is None or not _is_recording():
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(TRACEPARENT)


def trace_id() -> str | None:
    """The trace in hand, 32 hexadecimal digits; None where none is recorded."""
    if _tracer is None or not _is_recording():
        return None
    from opentelemetry.trace import format_trace_id, get_current_span

    return format_trace_id(get_current_span().get_span_context().trace_id)


def _is_recording() -> bool:
    from opentelemetry.trace import get_current_span

    return get_current_span().is_recording()


@contextmanager
def _recorded(
    tracer: Tracer, name: str, kind: SpanKind, carrier: Mapping[str, str], attributes: Attributes | None
) -> Iterator[Span]:
    from opentelemetry.trace import Status, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    # Only the parent: the vendors' part (`tracestate`) and baggage may hold anything.
    parent = {TRACEPARENT: carrier[TRACEPARENT]} if TRACEPARENT in carrier else {}
    context = TraceContextTextMapPropagator().extract(parent) if parent else None
    with tracer.start_as_current_span(
        name,
        context,
        kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as one:
        try:
            yield one
        except BaseException as error:
            one.set_attribute("error.type", type(error).__name__)
            one.set_status(Status(StatusCode.ERROR))
            raise
