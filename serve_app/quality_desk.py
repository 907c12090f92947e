"""Quality over time, from what is stored: figures at the gate, runs of the loop, evaluations."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from cluster.loop_store import LoopStore
from recsys.errors import RecsysError
from recsys.evaluation.result import EvaluationResult
from recsys.feedback import Kind
from recsys.index import list_versions, load_manifest
from recsys.payloads import QualityAnswer, QualityPoint
from recsys.workspace import Workspace

REPORT = "evaluation.json"
JUDGED = {
    "discover ndcg@10": "NDCG@10 at the gate, new items",
    "again ndcg@10": "NDCG@10 at the gate, with items seen before",
    "coverage@10": "Coverage@10 at the gate",
}
"""Figures of a fit that are comparable with those of the fits before and after it."""
MOST_POINTS = 2_000


class QualityDesk:
    """Reads manifests, the loop's book and reports; what cannot be read is left out."""

    def __init__(self, workspace: Workspace, loop: LoopStore) -> None:
        self._workspace, self._loop = workspace, loop

    async def quality(self, limit: int) -> QualityAnswer:
        """Figures of at most `limit` versions, runs and evaluations each, the oldest first."""
        return await asyncio.to_thread(self._quality, limit)

    def _quality(self, limit: int) -> QualityAnswer:
        reports = list(self._reports(limit))
        points = {(one.series, one.at, one.of): one for one in [*self._runs(limit), *self._versions(limit)]}
        found = [*points.values(), *(point for name, one in reports for point in _of_report(name, one))]
        found.sort(key=lambda one: (one.at, one.series))
        return QualityAnswer(points=found[-MOST_POINTS:], reports=[name for name, _ in reports])

    def _versions(self, limit: int) -> Iterator[QualityPoint]:
        for name in list_versions(self._workspace)[-limit:]:
            try:
                manifest = load_manifest(self._workspace, name)
            except RecsysError:
                continue
            yield from _of_fit(manifest.created_at.isoformat(), manifest.metrics, name)

    def _runs(self, limit: int) -> Iterator[QualityPoint]:
        """Fits whose versions may be gone by now."""
        known = set(list_versions(self._workspace))
        for run in self._loop.runs.newest(limit):
            version = str(run.result.get("index_version", ""))
            if run.kind in (Kind.FIT, Kind.FINE_TUNE) and run.ended_at_us and version not in known:
                at = datetime.fromtimestamp(run.ended_at_us / 1e6, UTC).isoformat()
                yield from _of_fit(at, run.result.get("validation") or {}, version or run.run_id)

    def _reports(self, limit: int) -> Iterator[tuple[str, EvaluationResult]]:
        for path in sorted(self._workspace.reports.glob(f"evaluation-*/{REPORT}"), reverse=True)[:limit]:
            try:
                yield path.parent.name, EvaluationResult.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue


def _of_fit(at: str, metrics: Mapping[str, Any], of: str) -> Iterator[QualityPoint]:
    for name, series in JUDGED.items():
        value = metrics.get(name)
        if isinstance(value, float) and math.isfinite(value):
            yield QualityPoint(at=at, series=series, value=value, of=of)


def _of_report(name: str, report: EvaluationResult) -> Iterator[QualityPoint]:
    for table in report.tables:
        for method in table.methods:
            if method.difference is None:  # ours: every other method is compared with it
                interval = method.ndcg
                yield QualityPoint(
                    at=report.created_at,
                    series=f"NDCG@10, {table.title}",
                    value=interval.mean,
                    low=interval.low,
                    high=interval.high,
                    of=name,
                )
