"""What log lines and traces cost a request of `/v1/recommend`: without, with, in turns, in one process.

The application is called directly, without a socket, so that the difference is not lost in that of a
connection. Each turn is the median of its requests; figures are medians over turns.

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
from fastapi import FastAPI
from rich.console import Console
from rich.table import Table

from jobs.bench.measure import side_by_side
from recsys.config import LogConfig, LogFormat, ServeConfig, TraceConfig
from serve_app.api import create_api
from serve_app.request_log import RequestLog
from serve_app.service import ShopService
from serve_app.telemetry.log_file import log_into, stop_logging
from serve_app.telemetry.spans import trace_with
from serve_app.telemetry.trace_export import tracer_provider
from tests.serve.conftest import assemble_inline, make_small_shop
from tests.tiny_encoders import tiny_bert

out = Console()
BEFORE = "without request log"
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


async def median_ms(api: FastAPI, body: bytes, count: int) -> float:
    """Median time of `count` requests, one after the other."""
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
        start = time.perf_counter()
        await api({**scope, "state": {}}, receive, send)
        times.append(time.perf_counter() - start)
    assert set(statuses) == {200}
    return 1e3 * float(np.median(times))


def measured(service: ShopService, user: str, folder: Path, rounds: int, count: int) -> dict[str, Any]:
    """Milliseconds of a request in each state."""
    body = json.dumps({"user_id": user, "n": 10}).encode()
    api, plain = create_api(service), create_api(service)
    plain.user_middleware = [
        one for one in plain.user_middleware if getattr(one.cls, "__name__", "") != RequestLog.__name__
    ]
    states: dict[str, tuple[FastAPI, State]] = {
        BEFORE: (plain, nullcontext),
        "request log, no lines": (api, nullcontext),
        "lines of text": (api, partial(logging_into, folder, LogFormat.TEXT)),
        "lines of JSON": (api, partial(logging_into, folder, LogFormat.JSON)),
        "JSON, traces on, none sampled": (api, partial(tracing_and_logging, folder, 0.0)),
        "JSON, every request traced": (api, partial(tracing_and_logging, folder, 1.0)),
    }
    with asyncio.Runner() as runner:
        runner.run(service.start())

        def turn(application: FastAPI, state: State) -> float:
            with state():
                return float(runner.run(median_ms(application, body, count)))

        return side_by_side({name: partial(turn, *found) for name, found in states.items()}, rounds)


@contextmanager
def tracing_and_logging(folder: Path, ratio: float) -> Iterator[None]:
    """Both."""
    with logging_into(folder, LogFormat.JSON), tracing_into(folder, ratio):
        yield


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--requests", type=int, default=20)
    asked = parser.parse_args()
    logging.getLogger("serve_app").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small = make_small_shop(folder / "shop", tiny_bert(folder / "tiny"), None)
        service = assemble_inline(small, ServeConfig(refresh_s=3600.0))
        user = small.events.typical_users(1)[0].removeprefix("user:")
        found = measured(service, user, folder / "told", asked.rounds, asked.requests)
    table = Table("state", "ms, median [low, high]", "more than without, ms")
    for state, spread in found.items():
        table.add_row(state, spread.text(), f"{spread.median - found[BEFORE].median:+.3f}")
    out.print(table)


if __name__ == "__main__":
    main()
