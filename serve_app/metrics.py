"""Prometheus metrics of the ingress replicas."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve_app.route_scopes import GORSE_PATHS, PERSONALIZE_PATHS
from serve_app.stages import stages_into

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
STAGE_SECONDS = (0.0001, 0.00025, 0.0005, *SECONDS)
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported: values go into files of this folder."""


class Metrics:
    """Counters and histograms of this replica, and where replicas share a folder, of all of them.

    Replicas behind a shared port or a proxy are asked at random; each one must be able to answer for the
    others of its machine.
    """

    def __init__(self) -> None:
        if folder := os.environ.get(FOLDER_VARIABLE):
            Path(folder).mkdir(parents=True, exist_ok=True)
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
        self.coverage = self._newest(
            "recsys_coverage_ratio",
            "Coverage of the newest answer.",
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
        self.live_items = self._newest(
            "recsys_live_items",
            "Items searched beside the index version.",
        )
        self._of_stages()
        self._of_the_index()
        self._of_the_log()
        self._of_the_loop()
        self._of_the_keys()
        self.before_reading: list[Callable[[], None]] = []
        """Called before each `text`, to set gauges that nothing else sets."""

    def _of_stages(self) -> None:
        self.stage_seconds = Histogram(
            "recsys_stage_seconds",
            "Time in one stage of a request.",
            ["stage"],
            buckets=STAGE_SECONDS,
            registry=self.registry,
        )
        self.under_way = Gauge(
            "recsys_requests_under_way",
            "Requests of /v1 that are not answered yet.",
            multiprocess_mode="livesum",
            registry=self.registry,
        )

    def _of_the_index(self) -> None:
        self.index_age = self._newest(
            "recsys_index_age_seconds", "Time since the version that answers was made."
        )
        self.live_removed = self._newest(
            "recsys_live_removed_items", "Items deleted since the index version."
        )
        self.live_complete = self._newest(
            "recsys_live_complete", "1, or 0 while more changes wait than the live segment may hold."
        )
        self.refused = self._newest(
            "recsys_index_refused_versions", "Versions that this replica could not load since it started."
        )

    def _of_the_log(self) -> None:
        self.log_faults = self._newest(
            "recsys_event_log_faults",
            "Faults that the last check of the whole event log found.",
        )
        self.events_left_out = Gauge(
            "recsys_events_left_out",
            "Events left out of answers because the disk changed them, since the replica started.",
            multiprocess_mode="max",
            registry=self.registry,
        )

    def _of_the_loop(self) -> None:
        self.job_runs = self._newest(
            "recsys_job_runs", "The newest runs of each kind by what became of them.", "kind", "state"
        )
        self.job_failures = self._newest(
            "recsys_job_failures_in_a_row",
            "Failures since a run of the kind that did not fail.",
            "kind",
        )
        self.job_success_age = self._newest(
            "recsys_job_success_age_seconds", "Time since a run of the kind succeeded.", "kind"
        )
        self.loop_beats = self._newest(
            "recsys_loop_beats", "Grows while a feedback loop holds the shop's lease."
        )
        self.loop_paused = self._newest("recsys_loop_paused", "1 while a person has paused the loop.")

    def _of_the_keys(self) -> None:
        self.key_refusals = Counter(
            "recsys_key_refusals_total",
            "Requests refused because a key's rate or quota was used up.",
            ["limit"],
            registry=self.registry,
        )
        for limit in ("rate", "quota"):
            self.key_refusals.labels(limit)  # a zero that is there before the first refusal

    def _newest(self, name: str, text: str, *labels: str) -> Gauge:
        """A gauge of which the replica that set it last speaks for all."""
        return Gauge(name, text, labels, multiprocess_mode="mostrecent", registry=self.registry)

    def text(self) -> bytes:
        """The exposition format that Prometheus reads."""
        return generate_latest(self._together())

    def families(self) -> list[Metric]:
        """The same figures as objects."""
        return list(self._together().collect())

    def _together(self) -> CollectorRegistry:
        for prepare in self.before_reading:
            prepare()
        if not (folder := os.environ.get(FOLDER_VARIABLE)):
            return self.registry
        _forget_the_dead(Path(folder))
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return together


def _forget_the_dead(folder: Path) -> None:
    """Take out what replicas that were killed had under way."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rsplit("_", 1)[1])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another reader was first
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]


COUNTED = ("/v1/", *(f"{path}/" for path in GORSE_PATHS), *PERSONALIZE_PATHS)
"""Requests that are work; pages and probes are not."""


class RequestTimer:
    """Times each HTTP request by route template and status, and its stages."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One ASGI call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), "500"
        counts = scope["path"].startswith(COUNTED)

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        self._metrics.under_way.inc(counts)
        try:
            with stages_into(self._metrics.stage_seconds):
                await self._app(scope, receive, watched)
        finally:
            self._metrics.under_way.dec(counts)
            # The template, not the path: ids in a label would grow without bound and tell on people.
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.seconds.labels(route, status).observe(time.perf_counter() - start)
