"""How the service does: its index, shards and replicas, and the figures of its metrics by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from prometheus_client import Metric
from prometheus_client.samples import Sample

from cluster.replica_board import ReplicaBoard, ReplicaState
from recsys.config import Placement
from recsys.payloads import (
    CoverageBody,
    HealthAnswer,
    ReplicaBody,
    ServedIndexBody,
    TimesBody,
    VersionCountsBody,
)
from serve_app.index_view import IndexView
from serve_app.index_watch import IndexWatch
from serve_app.metrics import SECONDS, STAGE_SECONDS, Metrics

MOST_REPLICAS = 200
Samples = dict[str, list[Sample]]


class HealthDesk:
    """Reads what is kept anyway: the metrics of this machine's replicas, and the board of all of them."""

    def __init__(
        self, watch: IndexWatch, board: ReplicaBoard, metrics: Metrics, placement: Placement
    ) -> None:
        self._watch, self._board = watch, board
        self._metrics, self._placement = metrics, placement

    async def now(self) -> HealthAnswer:
        """Everything at one moment; raises `StoreError` when the board cannot be read."""
        states = await asyncio.to_thread(self._board.states)
        samples = await asyncio.to_thread(self._samples)
        view = self._watch.view if self._watch.ready else None
        return HealthAnswer(
            at=datetime.now(UTC).isoformat(),
            ready=self._watch.ready,
            index=self._index(view) if view else None,
            coverage=_coverage(view) if view else None,
            replicas=[_replica(one) for _, one in sorted(states.items())][:MOST_REPLICAS],
            versions=_versions(states.values()),
            under_way=int(_one(samples, "recsys_requests_under_way")),
            statuses=_summed(samples, "recsys_request_seconds_count", "status"),
            events=_summed(samples, "recsys_events_total", "outcome"),
            degraded=_summed(samples, "recsys_degraded_total", "reason"),
            log_faults=int(_one(samples, "recsys_event_log_faults")),
            events_left_out=int(_one(samples, "recsys_events_left_out")),
            stage_bounds_s=list(STAGE_SECONDS),
            stages=list(_times(samples, "recsys_stage_seconds", "stage", len(STAGE_SECONDS))),
            route_bounds_s=list(SECONDS),
            routes=list(_times(samples, "recsys_request_seconds", "route", len(SECONDS))),
        )

    def _samples(self) -> Samples:
        return by_name(self._metrics.families())

    def _index(self, view: IndexView) -> ServedIndexBody:
        return ServedIndexBody(
            index_version=view.manifest.index_version,
            age_s=time.time() - view.manifest.created_at.timestamp(),
            items=view.manifest.item_count,
            live_items=view.live.num_items,
            live_removed=view.live.num_removed,
            live_complete=view.live.complete,
            placement=self._placement.value,
        )


def by_name(families: Iterable[Metric]) -> Samples:
    """Samples of all metrics by their full names, such as `recsys_events_total`."""
    found: Samples = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def _coverage(view: IndexView) -> CoverageBody:
    now = view.coverage_now()
    return CoverageBody(
        ratio=now.ratio, shards_ok=now.shards_ok, shards_total=now.shards_total, items=now.items_ok
    )


def _replica(state: ReplicaState) -> ReplicaBody:
    return ReplicaBody(
        replica_id=state.replica_id,
        beat=state.beat,
        index_version=state.index_version,
        prepared=list(state.prepared),
        refused=dict(state.refused),
    )


def _versions(states: Iterable[ReplicaState]) -> dict[str, VersionCountsBody]:
    total: dict[str, VersionCountsBody] = {}
    for state in states:
        for version, counts in state.counts.items():
            before = total.get(version)
            more = asdict(counts)
            summed = {name: value + getattr(before, name, 0) for name, value in more.items()}
            total[version] = VersionCountsBody(**summed)
    return total


def _one(samples: Samples, name: str) -> float:
    return sum(sample.value for sample in samples.get(name, ()))


def _summed(samples: Samples, name: str, label: str) -> dict[str, int]:
    return {key: int(value) for key, value in sorted(_sums(samples, name, label).items())}


def _times(samples: Samples, name: str, label: str, bounds: int) -> Iterator[TimesBody]:
    """One histogram by one of its labels, the other labels summed up."""
    counts, sums = _summed(samples, f"{name}_count", label), _sums(samples, f"{name}_sum", label)
    within: dict[str, dict[float, int]] = {key: {} for key in counts}
    for sample in samples.get(f"{name}_bucket", ()):
        bound, own = float(sample.labels["le"]), within.setdefault(sample.labels[label], {})
        own[bound] = own.get(bound, 0) + int(sample.value)
    for key, count in counts.items():
        ordered = [value for _, value in sorted(within[key].items())][:bounds]
        yield TimesBody(name=key, count=count, sum_s=sums[key], within=ordered)


def _sums(samples: Samples, name: str, label: str) -> dict[str, float]:
    total: dict[str, float] = {}
    for sample in samples.get(name, ()):
        total[sample.labels[label]] = total.get(sample.labels[label], 0.0) + sample.value
    return total
