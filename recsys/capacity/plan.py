"""The answer for one plan: costs, latencies, and the fewest nodes that keep a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from recsys.capacity.cluster import ClusterPlan, Work, work_of
from recsys.capacity.cost_model import CostModel
from recsys.capacity.simulation import offered_load, simulate

MAX_NODES = 4_096
FULL = 0.98
"""Offered load from which a cluster is called overloaded instead of simulated."""


@dataclass(frozen=True)
class Latencies:
    """Of simulated requests; all None when the traffic is more than the cores can do."""

    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    utilisation: float
    """Busy share of the cores; what is asked for when it is too much."""


@dataclass(frozen=True)
class Costs:
    """What the catalog takes before and beside the traffic."""

    build_s: float
    """Index of one shard on one core; shards are built side by side."""
    publish_s: float
    """Checking one shard."""
    disk_gb: float
    """All shards, one version."""
    memory_per_shard_gb: float
    """One server of one shard."""
    memory_per_node_gb: float
    """The fullest node, one version."""
    embed_core_hours: float
    """Encoding every text once on cores."""
    embed_gpu_hours: float | None
    """On GPUs, where a rate is given."""


def latencies(plan: ClusterPlan, work: Work) -> Latencies:
    """Simulate the plan once."""
    offered = offered_load(plan, work)
    if offered >= FULL:
        return Latencies(None, None, None, offered)
    seen = simulate(plan, work)
    p50, p95, p99 = (seen.percentile_ms(share) for share in (50, 95, 99))
    return Latencies(p50, p95, p99, seen.utilisation)


def costs(plan: ClusterPlan, model: CostModel, gpu_texts_per_s: float | None = None) -> Costs:
    """What the model says of the plan's items."""
    shard = model.shard(plan.items_per_shard)
    memory = shard["memory_bytes"] + model.figures.process_bytes
    held = ceil(plan.shards * plan.replicas / plan.nodes)
    return Costs(
        build_s=shard["build_s"],
        publish_s=shard["publish_s"],
        disk_gb=plan.shards * shard["disk_bytes"] / 1e9,
        memory_per_shard_gb=memory / 1e9,
        memory_per_node_gb=held * memory / 1e9,
        embed_core_hours=model.embed_core_hours(plan.items),
        embed_gpu_hours=plan.items / gpu_texts_per_s / 3_600.0 if gpu_texts_per_s else None,
    )


def fewest_nodes(
    plan: ClusterPlan, model: CostModel, p99_limit_ms: float, node_memory_gb: float | None = None
) -> int | None:
    """The smallest number of nodes whose p99 and memory keep the limits; None if `MAX_NODES` do not.

    More nodes are taken to be no worse, so the number is found by doubling and halving.
    """
    work = work_of(plan, model)

    def good(nodes: int) -> bool:
        tried = plan.model_copy(update={"nodes": nodes})
        if node_memory_gb is not None and costs(tried, model).memory_per_node_gb > node_memory_gb:
            return False
        p99 = latencies(tried, work).p99_ms
        return p99 is not None and p99 <= p99_limit_ms

    return _smallest(good)


def _smallest(good: Callable[[int], bool]) -> int | None:
    high = 1
    while not good(high):
        if high >= MAX_NODES:
            return None
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if good(middle) else (middle, high)
    return high
