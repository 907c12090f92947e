"""A shop's service under load, its processes by what they do, and a shop made once for all cases."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jobs.bench.processes import descendants, title_of
from jobs.bench.service import REPLICA, Service, our_service
from recsys.config import Placement
from recsys.shop import make_shop
from recsys.workspace import Workspace
from tests.chaos.figures import read_answers
from tests.chaos.load import Answer
from tests.chaos.outcome import Place
from tests.serve.conftest import make_small_shop
from tests.tiny_encoders import tiny_bert

NUM_ITEMS, NUM_SHOPPERS, NUM_SHARDS = 2_000, 200, 4
NOW = datetime(2026, 3, 1, tzinfo=UTC)
RATE = 20.0
WARM_S, BEFORE_S = 3.0, 10.0
START_S = 400.0
"""Eleven processes that start at once on a busy machine of two cores."""


def shop_of(place: Place) -> Workspace:
    """A copy of the shop: 2,000 items in four shards, 200 shoppers, a tiny encoder."""
    made = place.shared / "shop"
    if not (made / "index" / "CURRENT").is_file():
        shutil.rmtree(made, ignore_errors=True)
        encoder = tiny_bert(place.shared.absolute() / "encoder")
        shop = make_shop(num_items=NUM_ITEMS, num_shoppers=NUM_SHOPPERS, now=NOW)
        make_small_shop(made, encoder, shop, NUM_SHARDS)
    return Workspace(shutil.copytree(made, place.folder / "shop"))


@dataclass
class Loaded:
    """A service while requests come in."""

    service: Service
    path: Path
    process: subprocess.Popen[bytes]

    def replicas(self, deployment: str) -> list[int]:
        """Processes of a deployment's replicas."""
        return replicas(self.service, deployment)

    def answers(self) -> list[Answer]:
        """What was answered so far."""
        return read_answers(self.path)

    def stop(self) -> list[Answer]:
        """End the load; all of its answers."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
            self.process.wait(60.0)
        return self.answers()


@contextmanager
def loaded(
    service: Service, folder: Path, rate: float = RATE, events: bool = False, warm: bool = True
) -> Iterator[Loaded]:
    """Requests come in until the block ends; the first seconds, when caches fill, are another log."""
    if warm:
        with loaded(service, folder / "warming", rate, False, False):
            time.sleep(WARM_S)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "answers.jsonl"
    command = [sys.executable, "-m", "tests.chaos.load", service.url, str(rate), str(path)]
    process = subprocess.Popen([*command, *(["events"] if events else [])], stdin=subprocess.PIPE)
    found = Loaded(service, path, process)
    try:
        yield found
    finally:
        found.stop()


@contextmanager
def remote_service(workspace: Workspace, folder: Path, *options: str) -> Iterator[Service]:
    """The service with a deployment for each shard."""
    arguments = ("--recommenders", "1", *options)
    with our_service(workspace, Placement.REMOTE, folder, arguments, patience_s=START_S) as service:
        yield service


@contextmanager
def inline_service(workspace: Workspace, folder: Path, *options: str) -> Iterator[Service]:
    """The service with all shards in its ingress replicas."""
    with our_service(workspace, Placement.INLINE, folder, options, patience_s=START_S) as service:
        yield service


def kill_everything(service: Service) -> float:
    """SIGKILL a service and all it started at once, as if the machine had lost power; the moment."""
    return kill([service.pid, *descendants(service.pid)])


def replicas(service: Service, deployment: str) -> list[int]:
    """Processes of a deployment's replicas, those that are starting included."""
    titles = {pid: title_of(pid) for pid in descendants(service.pid)}
    wanted = f"{REPLICA}{deployment}"
    return sorted(pid for pid, title in titles.items() if title.split(".")[0].split(" ")[0] == wanted)


def kill(pids: Sequence[int], number: int = signal.SIGKILL) -> float:
    """Send a signal to processes; the moment, on the monotonic clock."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    return time.monotonic()


@contextmanager
def slow_service(workspace: Workspace, folder: Path) -> Iterator[Service]:
    """The service with a deployment for each shard, whose edges can be disturbed."""
    module = "tests.chaos.served_with_slow_shards"
    arguments = ("--recommenders", "1")
    with our_service(workspace, Placement.REMOTE, folder, arguments, module, START_S) as service:
        yield service
