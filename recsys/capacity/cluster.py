"""The cluster that is asked about, and the work one request makes in it."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from recsys.capacity.cost_model import CostModel
from recsys.config import Config

MERGED_SHARDS = 8
"""Shards whose merge was measured; more take as many times longer."""


class ClusterPlan(Config):
    """How many items are served by which machines to how much traffic."""

    items: PositiveInt
    shards: PositiveInt = 1
    replicas: PositiveInt = 1
    """Servers of each shard."""
    nodes: PositiveInt = 1
    cores: PositiveInt = 16
    """Of each node."""
    requests_per_s: PositiveFloat = 100.0
    network_ms: NonNegativeFloat = 0.2
    """One way between two processes; assumed, not measured."""
    exact: bool = False
    """Whether shards score every row."""
    seed: int = 0
    num_requests: PositiveInt = 5_000
    """Simulated; the first tenth is not counted."""

    @property
    def items_per_shard(self) -> float:
        """Items of one shard; digests spread them evenly."""
        return self.items / self.shards

    def nodes_of(self, shard: int) -> list[int]:
        """Nodes of a shard's replicas: all replicas of all shards are dealt out in turn."""
        first = shard * self.replicas
        return [place % self.nodes for place in range(first, first + self.replicas)]


class Work(Config):
    """Processor time of the parts of one request, milliseconds, and how it varies."""

    request_ms: NonNegativeFloat
    """In the process that answers, before the shards are asked."""
    search_ms: PositiveFloat
    """Mean in each shard."""
    search_spread: NonNegativeFloat
    """Standard deviation of the logarithm of search times."""
    merge_ms: NonNegativeFloat
    """In the process that answers, after the last shard."""
    network_ms: NonNegativeFloat = Field(default=0.0)

    def draw_search(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Search times `[size] float64`, log-normal with the mean `search_ms`."""
        centre = math.log(self.search_ms) - self.search_spread**2 / 2.0
        return np.asarray(rng.lognormal(centre, self.search_spread, size))

    def total_ms(self, shards: int) -> float:
        """Processor time of one request in the whole cluster."""
        return self.request_ms + shards * self.search_ms + self.merge_ms


def work_of(plan: ClusterPlan, model: CostModel) -> Work:
    """What one request of a plan takes."""
    costs, figures = model.shard(plan.items_per_shard), model.figures
    median_ms = costs["exact_ms" if plan.exact else "search_ms"] + figures.hop_ms
    return Work(
        request_ms=figures.request_ms,
        # Of a log-normal time, whose mean lies above its median.
        search_ms=median_ms * math.exp(model.search_spread**2 / 2.0),
        search_spread=model.search_spread,
        merge_ms=figures.merge_ms * plan.shards / MERGED_SHARDS,
        network_ms=plan.network_ms,
    )
