"""The whole loop in one command: a cold shop, its service, shoppers, retraining, swaps and rollbacks."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np

from cluster.database import open_database
from cluster.item_store import ItemStore
from cluster.judged_publish import published
from jobs.bench.processes import descendants, end, start
from jobs.bench.service import free_port
from jobs.embed_catalog import run_embed
from jobs.publish_index import run_index, run_publish, run_rollback
from jobs.simulation.oracle import Version
from jobs.simulation.report import SimulationReport, report
from jobs.simulation.traffic import Traffic, TrafficConfig
from jobs.simulation.visit_log import Visit, VisitLog, read_visits
from recsys.config import EmbedConfig, EncoderConfig, IndexConfig, RuntimeConfig
from recsys.errors import RecsysError, StoreError
from recsys.feedback import KindConfig, LoopConfig
from recsys.simulator import Population, make_population
from recsys.workspace import Workspace, replace_file

READY_S = 180.0
CHECK_PERIOD_S = 0.5
LOG, REPORT, LOOP = "visits.jsonl", "report.json", "loop.json"
Say = Callable[[str], None]


@dataclass(frozen=True)
class LivePlan:
    """What a live simulation does."""

    traffic: TrafficConfig
    num_items: int = 1_200
    num_shoppers: int = 600
    versions: int = 24
    """Fits that the events of the run are enough for."""
    rollbacks: int = 5
    back_s: float = 15.0
    """Seconds after a rollback until the newer version is published again."""
    trials: int = 8
    """Trials of each fit."""
    enough: int | None = None
    """Versions after which it ends, when every rollback has begun; None: when all requests are made."""


@dataclass
class Checker:
    """Compares lists of similar items with the version that they name, while it is still on disk."""

    workspace: Workspace
    base_url: str
    population: Population
    checked: int = 0
    mixed: int = 0
    failed: int = 0
    versions: dict[str, Version] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Ask and compare until told to stop."""
        rng = np.random.default_rng(7)
        ids = self.population.item_ids
        with httpx.Client(base_url=self.base_url, timeout=30.0) as client:
            while not self._stop.wait(CHECK_PERIOD_S):
                item_id = ids[int(rng.integers(len(ids)))]
                answer = client.post("/v1/similar", json={"item_id": item_id, "n": 10})
                if answer.status_code != httpx.codes.OK:
                    self.failed += answer.status_code != httpx.codes.NOT_FOUND
                    continue
                self._compare(item_id, answer.json())

    def stop(self) -> None:
        """End after the list that is on its way."""
        self._stop.set()

    def _compare(self, item_id: str, answer: dict[str, object]) -> None:
        name = str(answer["index_version"])
        if name not in self.versions:
            try:
                self.versions = {name: Version.read(self.workspace, name)}
            except RecsysError:
                return
        items = answer["items"]
        assert isinstance(items, list)
        self.checked += 1
        self.mixed += not self.versions[name].agrees(item_id, [item["item_id"] for item in items])


def prepare(runtime: RuntimeConfig, population: Population, encoder: EncoderConfig) -> None:
    """A shop without a single event: catalog, vectors, an index of text alone."""
    workspace = Workspace(runtime.workspace).create()
    ItemStore(open_database(workspace.database_url)).upsert(population.items)
    embedded = run_embed(runtime, encoder, EmbedConfig(cpus_per_actor=2.0))
    run_index(runtime, embedded.encoder_version, IndexConfig())


def run_live(workspace: Path, plan: LivePlan, say: Say) -> SimulationReport:
    """Prepare, serve, send shoppers, roll back on the way, and report into the workspace's `simulation`."""
    runtime = RuntimeConfig(workspace=workspace)
    folder = runtime.workspace / "simulation"
    population = make_population(plan.traffic.seed, plan.num_items, plan.num_shoppers, datetime.now(UTC))
    say(f"prepares a shop of {plan.num_items:,} items")
    prepare(runtime, population, EncoderConfig())
    events = 12 * plan.traffic.requests // plan.versions
    replace_file(folder / LOOP, _loop_config(events, plan.trials).model_dump_json(indent=1).encode())
    port = free_port()
    command = [sys.executable, "-m", "jobs.cli", "serve", "--workspace", str(runtime.workspace)]
    command += ["--port", str(port), "--loop-config", str(folder / LOOP)]
    service = start(command, folder / "serve.log")
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, service.poll, folder / "serve.log")
        return _drive(runtime, population, plan, url, folder, say)
    finally:
        end(service)
        for pid in descendants(service.pid):
            say(f"left over: {pid}")


def _loop_config(events: int, trials: int) -> LoopConfig:
    """A loop that learns after so many events, and waits for nothing else."""
    # All of it happens within minutes: the order of a shopper's events is real, days are not.
    arguments = ("--split", "leave-one-out", "--trials", str(trials))
    fit = KindConfig(min_gap_s=0.0, min_events=events, event_share=0.0, arguments=arguments)
    return LoopConfig(period_s=1.0, poll_s=0.5, fit=fit, lease_s=10.0, niceness=0)


def _drive(
    runtime: RuntimeConfig, population: Population, plan: LivePlan, url: str, folder: Path, say: Say
) -> SimulationReport:
    checker = Checker(Workspace(runtime.workspace), url, population)
    watcher = threading.Thread(target=checker.run, name="oracle", daemon=True)
    watcher.start()
    due = deque(
        (number + 1) * plan.traffic.requests // (plan.rollbacks + 1) for number in range(plan.rollbacks)
    )
    going_back: list[threading.Thread] = []
    seen: dict[str, int] = {}
    begun = time.monotonic()

    def on_visit(visit: Visit) -> None:
        if visit.index_version and visit.index_version not in seen:
            seen[visit.index_version] = visit.number
            say(f"visit {visit.number:,}, {time.monotonic() - begun:,.0f} s: version {visit.index_version}")
        if due and visit.number >= due[0] and len(seen) > 1:
            due.popleft()
            going_back.append(threading.Thread(target=_go_back, args=(runtime, plan.back_s, say)))
            going_back[-1].start()

    def seen_enough() -> bool:
        return plan.enough is not None and len(seen) >= plan.enough and not due

    with VisitLog(folder / LOG) as visits:
        traffic = Traffic(population, plan.traffic, url, visits, on_visit, seen_enough)
        asyncio.run(traffic.run())
    for thread in going_back:
        thread.join()
    checker.stop()
    watcher.join()
    failed = traffic.failed + checker.failed
    found = report(read_visits(folder / LOG), failed, checker.checked, checker.mixed)
    replace_file(folder / REPORT, found.model_dump_json(indent=1).encode())
    return found


def _go_back(runtime: RuntimeConfig, back_s: float, say: Say) -> None:
    """Roll back under load; some time later publish again what was taken back, as a person would."""
    begun, left = time.monotonic(), published(Workspace(runtime.workspace))
    try:
        say(f"rolled back to {run_rollback(runtime)} in {time.monotonic() - begun:.1f} s")
        time.sleep(back_s)
        begun = time.monotonic()
        say(f"published {run_publish(runtime, left)} again in {time.monotonic() - begun:.1f} s")
    except RecsysError as error:
        say(f"not changed: {error}")


def _wait_until_ready(url: str, ended: Callable[[], int | None], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and ended() is None:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/readyz", timeout=2.0).status_code == httpx.codes.OK:
                return
        time.sleep(0.2)
    raise StoreError(
        "the service did not start", found=log.read_text(errors="replace")[-500:], where=log.name
    )
