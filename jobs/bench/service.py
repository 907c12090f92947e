"""HTTP services of a benchmark, each a process of its own, started by its real command."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from jobs.bench.processes import Memory, cpu_s_of, descendants, end, memory_of, start, title_of
from recsys.config import Placement
from recsys.errors import StoreError
from recsys.workspace import Workspace

START_TIMEOUT_S = 180.0
POLL_S = 0.02
REPLICA = "ray::ServeReplica:recsys:"


@dataclass(frozen=True)
class Service:
    """A service that answers."""

    url: str
    pid: int
    cold_start_s: float
    """From the command to the first answer that it is ready."""

    def replicas(self) -> dict[str, Memory]:
        """Memory of each Serve replica by its deployment's name; of several replicas of one, any."""
        titles = {pid: title_of(pid) for pid in descendants(self.pid)}
        return {
            title.removeprefix(REPLICA).split()[0].split(".")[0]: memory_of(pid)
            for pid, title in titles.items()
            if title.startswith(REPLICA)
        }

    def cpu_s(self) -> float:
        """Processor time that the process and all it started have used so far."""
        return sum(cpu_s_of(pid) for pid in (self.pid, *descendants(self.pid)))

    def memory(self) -> Memory:
        """Memory of the process itself."""
        return memory_of(self.pid)


@contextmanager
def our_service(
    workspace: Workspace,
    placement: Placement,
    folder: Path,
    options: Sequence[str] = (),
    module: str = "jobs.cli",
    patience_s: float = START_TIMEOUT_S,
) -> Iterator[Service]:
    """`recsys serve` on a free port until the block ends; it prints into `folder`.

    Raises `StoreError` when it does not answer within `patience_s`.
    """
    port = free_port()
    command = [sys.executable, "-m", module, "serve", "--workspace", str(workspace.root)]
    command += ["--port", str(port), "--placement", placement.value, "--no-loop", *options]
    log = folder / f"serve-{port}.log"
    with _running(command, f"http://127.0.0.1:{port}", "/readyz", log, patience_s) as service:
        yield service


@contextmanager
def bare_service(vectors: Path, folder: Path) -> Iterator[Service]:
    """The FastAPI and FAISS service over the `.npy` file of vectors, until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "jobs.bench.peers_http", str(vectors), str(port)]
    with _running(command, f"http://127.0.0.1:{port}", "/healthz", folder / f"bare-{port}.log") as service:
        yield service


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: Sequence[str], url: str, ready: str, log: Path, patience_s: float = START_TIMEOUT_S
) -> Iterator[Service]:
    begun = time.monotonic()
    process = start(command, log)
    try:
        while not _answers(url + ready):
            if process.poll() is not None or time.monotonic() - begun > patience_s:
                told = log.read_text(errors="replace")[-500:]
                raise StoreError("a service did not start", found=told, where=log.name)
            time.sleep(POLL_S)
        yield Service(url, process.pid, time.monotonic() - begun)
    finally:
        end(process)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
