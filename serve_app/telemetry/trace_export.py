"""Where spans go: to a collector by OTLP, or into files of a folder."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from recsys.config import TraceConfig
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

FILE = "file:"
TRACES_PATH = "/v1/traces"
PACKAGES = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
SERVICE = "recsys"


def tracer_provider(config: TraceConfig, process: str) -> TracerProvider:
    """Makes and exports this process's spans, in batches on a thread of its own.

    A caller's own decision to sample is followed; `config.ratio` of the other requests are sampled. Raises
    `ConfigError` where OpenTelemetry is not installed.
    """
    require_opentelemetry()
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME", SERVICE)}
    instance = {"service.instance.id": f"{process}-{socket.gethostname()}-{os.getpid()}"}
    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(config.ratio)),
        resource=Resource.create({**named, **instance, "recsys.process": process}),
    )
    provider.add_span_processor(BatchSpanProcessor(_exporter(config, process)))
    return provider


def require_opentelemetry() -> None:
    """Raise `ConfigError` unless the packages behind traces are installed."""
    try:
        for package in PACKAGES:
            import_module(package)
    except ImportError as error:
        raise ConfigError(
            "traces need OpenTelemetry", expected='pip install "recsys-on-ray[traces]"', found=str(error)
        ) from error


def _exporter(config: TraceConfig, process: str) -> SpanExporter:
    assert config.target is not None
    if config.target.startswith(FILE):
        return _into_file(Path(config.target.removeprefix(FILE)), process)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(endpoint=config.target.rstrip("/") + TRACES_PATH)


def _into_file(folder: Path, process: str) -> SpanExporter:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    folder.mkdir(parents=True, exist_ok=True)
    line: Callable[[ReadableSpan], str] = lambda span: (span.to_json(indent=None) or "") + "\n"  # noqa: E731
    file = folder / f"{process}-{socket.gethostname()}-{os.getpid()}.jsonl"
    return ConsoleSpanExporter(out=file.open("a", encoding="utf-8"), formatter=line)
