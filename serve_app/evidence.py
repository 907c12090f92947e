"""What lists have led to: results of experiments, and values of policies that were not in force."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cluster.answer_store import AnswerStore
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from recsys.answer_record import AnswerRecord
from recsys.errors import NotFoundError
from recsys.experiments.experiment import Experiment
from recsys.experiments.exposure import exposures_of
from recsys.experiments.result import ExperimentResults, InterleavingResults
from recsys.experiments.results import results
from recsys.history import Response
from recsys.off_policy import (
    DecisionLog,
    OffPolicyReport,
    evaluate_policies,
    from_records,
    greedy,
    softmax,
    uniform,
)
from recsys.off_policy.targets import scores_of
from recsys.payloads import OffPolicyRequest, PolicySpec
from serve_app.controls import ControlWatch

HOUR_US = 3_600_000_000
REWARDS = {"click": frozenset({"click"}), "purchase": frozenset({"purchase"})}


@dataclass(frozen=True)
class Evidence:
    """Reads the logs of answers and of events."""

    answers: AnswerStore
    events: EventStore
    items: ItemStore
    controls: ControlWatch

    async def results(self, name: str) -> ExperimentResults | InterleavingResults:
        """An experiment as it stands; raises `NotFoundError`."""
        known = {one.experiment_id: one for one in self.controls.state.experiments}
        if name not in known:
            raise NotFoundError("there is no such experiment", found=name)
        return await asyncio.to_thread(self._results, known[name])

    async def off_policy(self, asked: OffPolicyRequest) -> OffPolicyReport:
        """What other policies would have earned in the place of chance."""
        return await asyncio.to_thread(self._off_policy, asked)

    def _results(self, experiment: Experiment) -> ExperimentResults | InterleavingResults:
        since = experiment.starts_at_us or 0
        shown = exposures_of(self.answers.scan(since), experiment.experiment_id)
        listed = sorted({item_id for one in shown for item_id in one.item_ids})
        return results(
            experiment, shown, self._responses(since), time.time_ns() // 1_000, prices=self._prices(listed)
        )

    def _responses(self, since_us: int) -> Iterator[Response]:
        for batch in self.events.responses(since_us):
            yield from batch

    def _prices(self, item_ids: list[str], batch: int = 1_000) -> dict[str, float]:
        found: dict[str, float] = {}
        for start in range(0, len(item_ids), batch):
            rows = (
                self.items.get(item_ids[start : start + batch]).select(["item_id", "price_minor"]).to_pylist()
            )
            found |= {row["item_id"]: row["price_minor"] for row in rows if row["price_minor"] is not None}
        return found

    def _off_policy(self, asked: OffPolicyRequest) -> OffPolicyReport:
        since = time.time_ns() // 1_000 - int(asked.hours * HOUR_US)
        drawn = [
            one
            for one in self.answers.scan(since)
            if one.explored is not None and (asked.scenario is None or one.scenario == asked.scenario)
        ]
        log = from_records(drawn, self._rewards(drawn, since, asked.reward))
        return evaluate_policies(log, {spec.name: _target(log, spec) for spec in asked.policies})

    def _rewards(self, drawn: Iterable[AnswerRecord], since_us: int, reward: str) -> dict[str, float]:
        """1 for each list whose drawn item was clicked or bought."""
        chosen = {one.recommendation_id: one.explored.chosen for one in drawn if one.explored is not None}
        return {
            event.recommendation_id: 1.0
            for event in self._responses(since_us)
            if event.event_type in REWARDS[reward] and chosen.get(event.recommendation_id) == event.item_id
        }


def _target(log: DecisionLog, spec: PolicySpec) -> np.ndarray[Any, Any]:
    if spec.kind == "uniform" or not len(log):
        return uniform(log)
    scores = scores_of(log, spec.scores, spec.otherwise)
    return (
        greedy(log, scores, spec.epsilon) if spec.kind == "greedy" else softmax(log, scores, spec.temperature)
    )
