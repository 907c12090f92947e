"""Prometheus metrics of the ingress replicas."""

from __future__ import annotations

import os
import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported: values go into files of this folder."""


class Metrics:
    """Counters and histograms of this replica, and where replicas share a folder, of all of them.

    Replicas that share a port are asked at random; each one must be able to answer for the others.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.seconds = Histogram(
            "recsys_request_seconds",
            "Time to answer.",
            ["route", "status"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.degraded = Counter(
            "recsys_degraded_total", "Answers that were degraded.", ["reason"], registry=self.registry
        )
        self.coverage = Gauge(
            "recsys_coverage_ratio",
            "Coverage of the newest answer.",
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )
        self.events = Counter(
            "recsys_events_total", "Events by outcome.", ["outcome"], registry=self.registry
        )
        self.items = Counter("recsys_items_total", "Items by outcome.", ["outcome"], registry=self.registry)
        self.answers = Counter(
            "recsys_answers_total",
            "Answers by what became of their record.",
            ["outcome"],
            registry=self.registry,
        )
        self.live_items = Gauge(
            "recsys_live_items",
            "Items searched beside the index version.",
            multiprocess_mode="mostrecent",
            registry=self.registry,
        )

    def text(self) -> bytes:
        """The exposition format that Prometheus reads."""
        if not os.environ.get(FOLDER_VARIABLE):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)


class RequestTimer:
    """Times each HTTP request by route template and status."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), "500"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            # The template, not the path: ids in a label would grow without bound and tell on people.
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.seconds.labels(route, status).observe(time.perf_counter() - start)
