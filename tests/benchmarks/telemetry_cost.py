"""What log lines and traces cost a request of `/v1/recommend`: without, with, in turns, in one process.

The application is called directly, without a socket, so that the difference is not lost in that of a
connection. Each turn is the median of its requests, by the clock and by the processor time of the whole
process, which other work on the machine disturbs less; figures are medians over turns.

    python -m tests.benchmarks.telemetry_cost
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from starlette.types import ASGIApp, Receive, Scope, Send

from jobs.bench.measure import Spread, side_by_side, spread
from recsys.config import LogConfig, LogFormat, ServeConfig, TraceConfig
from serve_app.api import create_api
from serve_app.request_log import RequestLog
from serve_app.stages import STAGES, Stage
from serve_app.telemetry.log_file import log_into, stop_logging
from serve_app.telemetry.spans import trace_with
from serve_app.telemetry.trace_export import tracer_provider
from tests.serve.conftest import assemble_inline, make_small_shop
from tests.tiny_encoders import tiny_bert

out = Console()
BEFORE = "without request log"
Figures = dict[str, tuple[Spread, Spread]]
State = Callable[[], AbstractContextManager[None]]


@contextmanager
def logging_into(folder: Path, kind: LogFormat) -> Iterator[None]:
    """Lines at level info."""
    handler = log_into(folder, LogConfig(format=kind), "ingress")
    yield
    stop_logging(handler)
    logging.getLogger("serve_app").setLevel(logging.WARNING)


@contextmanager
def tracing_into(folder: Path, ratio: float) -> Iterator[None]:
    """Spans into files, exported in batches."""
    provider = tracer_provider(TraceConfig(target=f"file:{folder}", ratio=ratio), "ingress")
    trace_with(provider.get_tracer("recsys"))
    yield
    trace_with(None)
    provider.shutdown()


@contextmanager
def tracing_and_logging(folder: Path, ratio: float) -> Iterator[None]:
    """Both."""
    with logging_into(folder, LogFormat.JSON), tracing_into(folder, ratio):
        yield


async def median_ms(api: ASGIApp, body: bytes, count: int) -> tuple[float, float]:
    """Median time of `count` requests, one after the other: by the clock, and of the processor."""
    scope = {"type": "http", "method": "POST", "path": "/v1/recommend", "query_string": b""}
    scope |= {"headers": [(b"content-type", b"application/json")], "http_version": "1.1", "raw_path": b""}
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    times = []
    for _ in range(count):
        start, worked = time.perf_counter(), time.process_time()
        await api({**scope, "state": {}}, receive, send)
        times.append((time.perf_counter() - start, time.process_time() - worked))
    assert set(statuses) == {200}
    wall, cpu = 1e3 * np.median(times, axis=0)
    return float(wall), float(cpu)


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that passes a request's stages and does nothing in them."""
    for stage in STAGES:
        with Stage(stage):
            pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def measured(
    runner: asyncio.Runner,
    plain: ASGIApp,
    logged: ASGIApp,
    body: bytes,
    folder: Path,
    rounds: int,
    count: int,
) -> Figures:
    """Milliseconds of a request in each state: by the clock, and of the processor."""
    states: dict[str, tuple[ASGIApp, State]] = {
        BEFORE: (plain, nullcontext),
        "request log, no lines": (logged, nullcontext),
        "lines of text": (logged, partial(logging_into, folder, LogFormat.TEXT)),
        "lines of JSON": (logged, partial(logging_into, folder, LogFormat.JSON)),
        "JSON, none traced": (logged, partial(tracing_and_logging, folder, 0.0)),
        "JSON, all traced": (logged, partial(tracing_and_logging, folder, 1.0)),
    }
    cpu: dict[str, list[float]] = {name: [] for name in states}

    def turn(name: str, application: ASGIApp, state: State) -> float:
        with state():
            wall, worked = runner.run(median_ms(application, body, count))
        cpu[name].append(worked)
        return wall

    turns = {name: partial(turn, name, *found) for name, found in states.items()}
    wall = side_by_side(turns, rounds)
    return {name: (wall[name], spread(cpu[name][1:])) for name in states}


def printed(title: str, found: Figures) -> None:
    """One table."""
    table = Table("state", "p50, ms", "more", "processor, ms", "more", title=title)
    for state, figures in found.items():
        pairs = zip(figures, found[BEFORE], strict=True)
        cells = [(one.text(), f"{one.median - base.median:+.3f}") for one, base in pairs]
        table.add_row(state, *cells[0], *cells[1])
    out.print(table)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--requests", type=int, default=20)
    asked = parser.parse_args()
    logging.getLogger("serve_app").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        folder = Path(name)
        told = folder / "told"
        found = measured(runner, nothing, RequestLog(nothing), b"", told, 9, 50 * asked.requests)
        printed("a request that does nothing", found)
        small = make_small_shop(folder / "shop", tiny_bert(folder / "tiny"), None)
        service = assemble_inline(small, ServeConfig(refresh_s=3600.0))
        runner.run(service.start())
        body = json.dumps(
            {"user_id": small.events.typical_users(1)[0].removeprefix("user:"), "n": 10}
        ).encode()
        logged, plain = create_api(service), create_api(service)
        logs = RequestLog.__name__
        kept = [one for one in plain.user_middleware if getattr(one.cls, "__name__", "") != logs]
        plain.user_middleware = kept
        found = measured(runner, plain, logged, body, told, asked.rounds, asked.requests)
        printed("/v1/recommend, ten items with reasons", found)
        runner.run(service.stop())


if __name__ == "__main__":
    main()
