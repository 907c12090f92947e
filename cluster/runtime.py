"""Joining a Ray cluster or starting a local one, and asking it for no more than it has."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

import ray

from cluster.local_ray import only_for_this_machine
from recsys.config import RuntimeConfig
from recsys.errors import CapacityError
from recsys.signing import TRUSTED_KEYS

QUIET_ENVIRONMENT = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # otherwise a warning about a coming default
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "1",
}
FORCED_ENVIRONMENT = {
    # Set to 1, Ray Data would unpickle what a Parquet file says of its columns (CVE-2026-41486).
    "RAY_DATA_AUTOLOAD_CLOUDPICKLE_TENSOR_METADATA": "0",
}
SERVE_ENVIRONMENT = {
    # Calls between deployments go straight over gRPC and stay on one loop: a third of the processor time.
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    # Handles are used from threads with and without a loop of their own.
    "RAY_SERVE_RUN_ROUTER_IN_SEPARATE_LOOP": "1",
    # Part of the first unless told: a port of each ingress replica on every interface.
    "RAY_SERVE_ENABLE_DIRECT_INGRESS": "0",
}
NATIVE_LOG_LEVEL = "RAY_BACKEND_LOG_LEVEL"
CONNECT_TIMEOUT_S = 5.0
"""How long a cluster may take to answer the first connection."""
WORKER_ENVIRONMENT = ("HF_HUB_OFFLINE", "HF_HOME", "TOKENIZERS_PARALLELISM", TRUSTED_KEYS)
"""Variables that workers get with the value they have here; never a private key or a secret.

Ray shows them to whoever may list jobs and actors. Secrets are in the environment of the nodes.
"""


@dataclass(frozen=True)
class ResourceRequest:
    """`num_actors` actors that each reserve so much of one node."""

    num_actors: int
    cpus: float
    gpus: float = 0.0

    def fitting(self, nodes: list[dict[str, float]]) -> int:
        """How many of the actors fit on nodes with these resources, at most `num_actors`."""
        return min(self.num_actors, sum(self._on_one(node) for node in nodes))

    def _on_one(self, node: dict[str, float]) -> int:
        asked = (("CPU", self.cpus), ("GPU", self.gpus))
        # The tiny surplus forgives the rounding of fractional resources.
        return min(int(node.get(name, 0.0) / amount + 1e-9) for name, amount in asked if amount > 0)

    def __str__(self) -> str:
        gpus = f" and {self.gpus:g} GPUs" if self.gpus else ""
        return f"{self.num_actors} actors of {self.cpus:g} CPUs{gpus} each"


def prepare_serve() -> None:
    """Choose how Serve works; counts only before `ray.serve` is imported, here and where replicas start.

    What is set already stays. On a cluster the same variables belong into the environment of its nodes.
    """
    _set_absent(SERVE_ENVIRONMENT)


@contextmanager
def connect(
    config: RuntimeConfig,
    *,
    request: ResourceRequest | None = None,
    dashboard: bool = False,
    num_cpus: int | None = None,
    patience_s: float = 30.0,
    terse: bool = False,
) -> Iterator[None]:
    """Have Ray inside the block: the one this process is in, `config.address`, or a local one.

    What was started or joined here is left or stopped at the end, also after an error. `request`
    is checked first, since Ray waits for ever for resources it will never have. Raises
    `CapacityError` when it can never fit, or is still taken by others after `patience_s`, and
    when nothing answers at the address. `terse` is for short commands: Ray's native code, which
    writes to stderr past every Python logger, then reports only what is fatal.
    """
    owned = not ray.is_initialized()
    if owned:
        with _native_logs(terse):
            _start(config.address, dashboard, num_cpus)
    try:
        if request is not None:
            require(request, patience_s=patience_s)
        yield
    finally:
        if owned:
            ray.shutdown()


def require(request: ResourceRequest, *, patience_s: float = 30.0) -> None:
    """Raise `CapacityError` unless the cluster can hold `request` now or within `patience_s`."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # Ray leaves it untyped
    if request.fitting(nodes) < request.num_actors:
        raise CapacityError(
            "the cluster is too small",
            expected=str(request),
            found=f"room for {request.fitting(nodes)} in {_sum(nodes)}",
        )
    deadline = time.monotonic() + patience_s
    while request.fitting([free := _free()]) < request.num_actors:
        if time.monotonic() >= deadline:
            raise CapacityError(
                "the cluster is busy", expected=str(request), found=f"{_sum([free])} free of {_sum(nodes)}"
            )
        time.sleep(0.2)


def num_machines() -> int:
    """Nodes of the connected Ray that have CPUs for actors; a head without any does not count."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]  # Ray leaves it untyped
    return sum(node["Alive"] and node["Resources"].get("CPU", 0.0) > 0.0 for node in nodes)


def cpus_here() -> float:
    """CPUs of the node that this worker runs on."""
    own = ray.get_runtime_context().get_node_id()
    nodes = ray.nodes()  # type: ignore[no-untyped-call]  # Ray leaves it untyped
    return next((node["Resources"].get("CPU", 0.0) for node in nodes if node["NodeID"] == own), 0.0)


def worker_environment() -> dict[str, str]:
    """Environment variables of every worker process; tokenizers never fork threads of their own."""
    passed = {name: os.environ[name] for name in WORKER_ENVIRONMENT if name in os.environ}
    return {"TOKENIZERS_PARALLELISM": "false"} | passed | FORCED_ENVIRONMENT


def _set_absent(variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def _start(address: str | None, dashboard: bool, num_cpus: int | None) -> None:
    _set_absent(QUIET_ENVIRONMENT)
    os.environ.update(FORCED_ENVIRONMENT)
    if address:
        _answers(address)
    try:
        with nullcontext() if address else only_for_this_machine():
            ray.init(
                # A bare init would join any cluster it happens to find on the machine.
                address=address or "local",
                logging_level=logging.ERROR,
                log_to_driver=False,
                runtime_env={"env_vars": worker_environment()},
                num_cpus=None if address else num_cpus,
                include_dashboard=None if address else dashboard,
            )
    except (ConnectionError, TimeoutError, ValueError, RuntimeError) as error:
        raise CapacityError(
            "Ray cannot be joined" if address else "a local Ray cannot be started",
            expected="a running cluster" if address else "free memory and ports",
            found=f"{type(error).__name__}: {error}",
            where=address or "local",
        ) from error


@contextmanager
def _native_logs(terse: bool) -> Iterator[None]:
    """Start Ray so that its native code reports only what is fatal, and does not announce so."""
    if not terse or NATIVE_LOG_LEVEL in os.environ:
        yield
        return
    os.environ[NATIVE_LOG_LEVEL] = "fatal"
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        del os.environ[NATIVE_LOG_LEVEL]


def _answers(address: str) -> None:
    """Raise `CapacityError` at once when nothing listens there; Ray itself tries for many minutes."""
    parts = urlsplit(address if "://" in address else f"ray://{address}")
    try:
        host, port = parts.hostname, parts.port
        if host and port:
            socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except (OSError, ValueError) as error:
        raise CapacityError(
            "Ray cannot be joined", expected="a running cluster", found=str(error), where=address
        ) from error


def _free() -> dict[str, float]:
    return dict(ray.available_resources())  # type: ignore[no-untyped-call]  # Ray leaves it untyped


def _sum(nodes: list[dict[str, float]]) -> str:
    cpus, gpus = (sum(node.get(name, 0.0) for node in nodes) for name in ("CPU", "GPU"))
    return f"{cpus:g} CPUs, {gpus:g} GPUs"
