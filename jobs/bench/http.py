"""The service over HTTP under load, beside the least a shop would write itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jobs.bench.http_memory import MEMORY_LIMIT, ShardMemory, shard_memory
from jobs.bench.http_traffic import Traffic, degraded_answers, make_traffic, require_whole_answers
from jobs.bench.measure import Spread, side_by_side, spread
from jobs.bench.processes import Memory
from jobs.bench.section import BenchSettings, Cell, Section, Table, Target
from jobs.bench.service import Service, bare_service, our_service
from jobs.bench.shop_at_scale import ShopAtScale, ShopPlan, make_shop_at_scale
from jobs.bench.vectors import synthetic_vectors
from jobs.bench.wrk import Load, require_wrk, run_wrk
from recsys.config import Placement

OURS, BARE = "recsys serve", "FastAPI + FAISS"
CLIENTS = 8
OTHER_CLIENTS = (1, 32)
P99_LIMIT_MS = 25.0
LEAST_SHARE = 0.8


@dataclass(frozen=True)
class HttpSize:
    """How much is measured."""

    plan: ShopPlan
    duration_s: float
    """Of one turn of one service."""


FULL = HttpSize(ShopPlan(), duration_s=6.0)
QUICK = HttpSize(ShopPlan(num_items=500, num_users=50), duration_s=1.0)


@dataclass(frozen=True)
class Measured:
    """Turns of one service with one number of clients."""

    name: str
    clients: int
    loads: tuple[Load, ...]

    def over_turns(self, figure: Callable[[Load], float]) -> Spread:
        """Median and range of one figure."""
        return spread([figure(load) for load in self.loads])

    @property
    def failed(self) -> int:
        """Answers other than 2xx and 3xx, and broken connections."""
        return sum(load.failed for load in self.loads)

    def row(self) -> tuple[Cell, ...]:
        """A line of the table."""
        figures = (
            self.over_turns(lambda load: load.requests_per_s),
            self.over_turns(lambda load: load.p50_ms),
            self.over_turns(lambda load: load.p99_ms),
        )
        return (self.name, self.clients, *(figure.text() for figure in figures), self.failed)


def run(settings: BenchSettings) -> Section:
    """Measure both services in turns, then our placements, its start and its shards' memory.

    Raises `ConfigError` without wrk, `StoreError` when an answer is not whole.
    """
    require_wrk()
    size = QUICK if settings.quick else FULL
    shop = make_shop_at_scale(settings.folder / f"shop-{size.plan.num_items}", size.plan, settings.say)
    folder = settings.folder / "http"
    traffic = make_traffic(folder, size.plan.num_users)
    settings.say("loads both services in turns")
    side = _side_by_side(shop, traffic, folder, size, settings.rounds)
    settings.say("measures a deployment for each shard")
    spread_out = _remote(shop, traffic, folder, size)
    memory = shard_memory(shop, folder, spread_out.memory)
    return _section(size, side, spread_out, memory)


@dataclass(frozen=True)
class _Side:
    """Our service in its default placement, and the bare one."""

    ours: Measured
    bare: Measured
    others: tuple[Measured, ...]
    cold_start_s: float
    bare_cold_start_s: float
    degraded: float
    """Answers that were degraded while under load."""
    cpu_ms: float
    """Processor time of all of ours for one request."""


@dataclass(frozen=True)
class _Remote:
    """Our service with a deployment for each shard."""

    measured: Measured
    cold_start_s: float
    degraded: float
    cpu_ms: float
    memory: dict[str, Memory]
    """Of each shard's process."""


def _side_by_side(shop: ShopAtScale, traffic: Traffic, folder: Path, size: HttpSize, rounds: int) -> _Side:
    vectors = folder / "vectors.npy"
    np.save(vectors, synthetic_vectors(size.plan.num_items, size.plan.seed))
    with ExitStack() as stack:
        ours = stack.enter_context(our_service(shop.workspace, Placement.AUTO, folder))
        bare = stack.enter_context(bare_service(vectors, folder))
        require_whole_answers(ours.url, traffic)
        before = degraded_answers(ours.url)
        first, second = _in_turns(ours, bare, traffic, size, rounds)
        others = [
            Measured(name, clients, (run_wrk(url, script, clients, size.duration_s),))
            for clients in OTHER_CLIENTS
            for name, url, script in ((OURS, ours.url, traffic.ours), (BARE, bare.url, traffic.bare))
        ]
        degraded = degraded_answers(ours.url) - before
        cpu_ms = _cpu_ms(ours, traffic, size.duration_s)
        require_whole_answers(ours.url, traffic)
    return _Side(first, second, tuple(others), ours.cold_start_s, bare.cold_start_s, degraded, cpu_ms)


def _in_turns(
    ours: Service, bare: Service, traffic: Traffic, size: HttpSize, rounds: int
) -> tuple[Measured, Measured]:
    seen: dict[str, list[Load]] = {OURS: [], BARE: []}

    def turn(name: str, url: str, script: Path) -> Callable[[], float]:
        def load() -> float:
            seen[name].append(run_wrk(url, script, CLIENTS, size.duration_s))
            return seen[name][-1].requests_per_s

        return load

    side_by_side({OURS: turn(OURS, ours.url, traffic.ours), BARE: turn(BARE, bare.url, traffic.bare)}, rounds)
    first, second = (Measured(name, CLIENTS, tuple(loads[1:])) for name, loads in seen.items())
    return first, second


def _remote(shop: ShopAtScale, traffic: Traffic, folder: Path, size: HttpSize) -> _Remote:
    with our_service(shop.workspace, Placement.REMOTE, folder) as service:
        require_whole_answers(service.url, traffic)
        before = degraded_answers(service.url)
        loads = [run_wrk(service.url, traffic.ours, CLIENTS, size.duration_s) for _ in range(2)][1:]
        cpu_ms = _cpu_ms(service, traffic, size.duration_s)
        degraded = degraded_answers(service.url) - before
        memory = {name: held for name, held in service.replicas().items() if "shard-" in name}
    measured = Measured(f"{OURS}, a deployment for each shard", CLIENTS, tuple(loads))
    return _Remote(measured, service.cold_start_s, degraded, cpu_ms, memory)


def _cpu_ms(service: Service, traffic: Traffic, duration_s: float) -> float:
    """Processor time of one request, all processes of ours together, in a turn of its own."""
    before = service.cpu_s()
    load = run_wrk(service.url, traffic.ours, CLIENTS, duration_s)
    return 1e3 * (service.cpu_s() - before) / (load.requests_per_s * duration_s)


def _section(size: HttpSize, side: _Side, remote: _Remote, memory: ShardMemory) -> Section:
    every = (side.ours, side.bare, *side.others, remote.measured)
    loads = Table(
        f"{size.plan.num_items:,} items, {size.plan.num_shards} shards, turns of {size.duration_s:.0f} s",
        ("service", "clients", "requests/s", "p50, ms", "p99, ms", "failed"),
        tuple(measured.row() for measured in every),
    )
    starts = Table(
        "From the command to the first ready answer",
        ("service", "seconds"),
        (
            (OURS, side.cold_start_s),
            (f"{OURS}, a deployment for each shard", remote.cold_start_s),
            (BARE, side.bare_cold_start_s),
        ),
    )
    return Section(
        name="http",
        title="The service over HTTP",
        tables=(loads, starts, memory.table()),
        targets=_targets(side, every, memory),
        notes=(
            f"{OURS}: filter by price or category in two of three requests, reasons with every item, signals "
            "of a fitted shop, default placement (shards in the process that answers).",
            f"Warm: every filter was asked before, most shoppers too, and nothing is written. {OURS} starts "
            "one replica for each core, at most four.",
            f"{BARE}: one process, exact inner product over the same vectors, ten ids; no profile, filter or "
            "reason.",
            f"Degraded answers of ours under load: {side.degraded:.0f}; with a deployment for each shard: "
            f"{remote.degraded:.0f}.",
            f"Processor time of one request, all processes of ours: {side.cpu_ms:.3g} ms; with a deployment "
            f"for each shard: {remote.cpu_ms:.3g} ms.",
            "wrk runs on the same machine with one thread and keeps each connection busy.",
            *memory.notes(),
        ),
        figures=_figures(size, side, remote, memory),
    )


def _targets(side: _Side, every: tuple[Measured, ...], memory: ShardMemory) -> tuple[Target, ...]:
    p99 = side.ours.over_turns(lambda load: load.p99_ms).median
    per_s = [one.over_turns(lambda load: load.requests_per_s) for one in (side.ours, side.bare)]
    failed = float(sum(measured.failed for measured in every))
    return (
        Target(f"p99 with {CLIENTS} clients, ms", P99_LIMIT_MS, p99, at_least=False),
        Target(f"requests/s as a share of {BARE}", LEAST_SHARE, per_s[0].ratio(per_s[1])),
        Target("failed requests", 0.0, failed, at_least=False),
        Target("memory of a shard over its vectors' size", MEMORY_LIMIT, memory.worst, at_least=False),
    )


def _figures(size: HttpSize, side: _Side, remote: _Remote, memory: ShardMemory) -> dict[str, float]:
    return {
        "num_items": size.plan.num_items,
        "num_shards": size.plan.num_shards,
        "requests_per_s": side.ours.over_turns(lambda load: load.requests_per_s).median,
        "bare_requests_per_s": side.bare.over_turns(lambda load: load.requests_per_s).median,
        "p50_ms": side.ours.over_turns(lambda load: load.p50_ms).median,
        "p99_ms": side.ours.over_turns(lambda load: load.p99_ms).median,
        "cold_start_s": side.cold_start_s,
        "cpu_ms": side.cpu_ms,
        "remote_cpu_ms": remote.cpu_ms,
        "process_bytes": float(max(base.resident for base in memory.bases.values())),
        "degraded": side.degraded,
        "remote_p99_ms": remote.measured.over_turns(lambda load: load.p99_ms).median,
        "remote_degraded": remote.degraded,
        "shard_bytes_per_vector_byte": memory.worst,
    }
