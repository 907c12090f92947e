"""Requests through a cluster, event by event: queues for cores, fan-out to all shards, merge."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
import simpy

from recsys.capacity.cluster import ClusterPlan, Work

WARM_UP = 0.1
"""Share of the requests that fill the empty cluster and are not counted."""


@dataclass(frozen=True)
class Outcome:
    """What the requests met."""

    latencies_ms: np.ndarray
    """`[R] float64` of the counted requests."""
    waits_ms: np.ndarray
    """`[R, S] float64`: how long each shard's task of a counted request waited for a core."""
    utilisation: float
    """Busy share of all cores while requests arrived."""

    def percentile_ms(self, share: float) -> float:
        """Latency that `share` percent of the requests stay under."""
        return float(np.percentile(self.latencies_ms, share))


def offered_load(plan: ClusterPlan, work: Work) -> float:
    """Busy share of all cores that the traffic asks for; at 1 and above queues grow without end."""
    return plan.requests_per_s * work.total_ms(plan.shards) / 1e3 / (plan.nodes * plan.cores)


def simulate(plan: ClusterPlan, work: Work) -> Outcome:
    """Poisson arrivals at random nodes; each asks a random replica of every shard, then merges.

    A core works on one task at a time and a node's tasks queue first come, first served. Equal plans
    give equal outcomes. Overload is simulated too; its latencies then depend on `num_requests`.
    """
    return _Cluster(plan, work).run()


class _Cluster:
    def __init__(self, plan: ClusterPlan, work: Work) -> None:
        self._plan, self._work = plan, work
        self._rng = np.random.default_rng(plan.seed)
        self._clock = simpy.Environment()
        self._cores = [simpy.Resource(self._clock, plan.cores) for _ in range(plan.nodes)]
        self._replicas = [plan.nodes_of(shard) for shard in range(plan.shards)]
        self._latencies = np.zeros(plan.num_requests)
        self._waits = np.zeros((plan.num_requests, plan.shards))
        self._busy_ms = 0.0

    def run(self) -> Outcome:
        plan, size = self._plan, self._plan.num_requests
        gaps = self._rng.exponential(1e3 / plan.requests_per_s, size)
        fronts = self._rng.integers(plan.nodes, size=size)
        self._clock.process(self._arrivals(gaps, fronts))
        self._clock.run()
        first = int(WARM_UP * size)
        capacity = float(gaps.sum()) * plan.nodes * plan.cores
        return Outcome(self._latencies[first:], self._waits[first:], self._busy_ms / capacity)

    def _arrivals(self, gaps: np.ndarray, fronts: np.ndarray) -> Generator[Any, Any, None]:
        for number, (gap, front) in enumerate(zip(gaps.tolist(), fronts.tolist(), strict=True)):
            yield self._clock.timeout(gap)
            self._clock.process(self._request(number, front))

    def _request(self, number: int, front: int) -> Generator[Any, Any, None]:
        start, work = self._clock.now, self._work
        if work.request_ms:
            yield from self._task(front, work.request_ms)
        times = work.draw_search(self._rng, self._plan.shards).tolist()
        nodes = [own[int(self._rng.integers(len(own)))] for own in self._replicas]
        searches = [
            self._clock.process(self._search(number, shard, node, time_ms))
            for shard, (node, time_ms) in enumerate(zip(nodes, times, strict=True))
        ]
        yield self._clock.all_of(searches)
        if work.merge_ms:
            yield from self._task(front, work.merge_ms)
        self._latencies[number] = self._clock.now - start

    def _search(self, number: int, shard: int, node: int, time_ms: float) -> Generator[Any, Any, None]:
        yield self._clock.timeout(self._work.network_ms)
        asked = self._clock.now
        yield from self._task(node, time_ms)
        self._waits[number, shard] = self._clock.now - asked - time_ms
        yield self._clock.timeout(self._work.network_ms)

    def _task(self, node: int, time_ms: float) -> Generator[Any, Any, None]:
        with self._cores[node].request() as core:
            yield core
            yield self._clock.timeout(time_ms)
        self._busy_ms += time_ms
