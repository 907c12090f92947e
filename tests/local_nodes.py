"""Several Ray nodes on one machine, each the processes of a raylet of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psutil
from ray.cluster_utils import Cluster

from jobs.bench.processes import descendants, title_of
from jobs.bench.service import free_port

OBJECT_STORE_BYTES = 120 * 1024 * 1024
GONE_TIMEOUT_S = 30.0


@dataclass
class LocalNodes:
    """A head and workers by name."""

    cpus: float
    """CPUs that each worker says it has."""
    cluster: Any
    nodes: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, cpus: float | None = None) -> None:
        """Start one more node and wait until the cluster knows it."""
        self.nodes[name] = self.cluster.add_node(
            num_cpus=self.cpus if cpus is None else cpus,
            object_store_memory=OBJECT_STORE_BYTES,
            include_dashboard=False,
            dashboard_port=free_port(),
            dashboard_agent_listen_port=free_port(),
        )

    def kill(self, name: str) -> float:
        """SIGKILL a node's raylet, then whatever of its processes is left; seconds until all are gone."""
        node = self.nodes.pop(name)
        begun, doomed = time.monotonic(), descendants(raylet_pid(node))
        self.cluster.remove_node(node, allow_graceful=False)
        deadline = begun + GONE_TIMEOUT_S
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while any(_alive(pid) for pid in doomed) and time.monotonic() < deadline:
            time.sleep(0.01)
        return time.monotonic() - begun

    def raylets(self) -> dict[int, str]:
        """Names of the nodes by their raylet's process."""
        return {raylet_pid(node): name for name, node in self.nodes.items()}

    def node_ids(self) -> dict[str, str]:
        """Names of the nodes by Ray's own ids."""
        return {node.node_id: name for name, node in self.nodes.items()}

    def processes(self, name: str, title: str) -> list[int]:
        """Processes of a node whose title has `title` in it."""
        return [pid for pid in descendants(raylet_pid(self.nodes[name])) if title in title_of(pid)]


@contextlib.contextmanager
def local_nodes(names: list[str], cpus: float, head_cpus: float) -> Iterator[LocalNodes]:
    """Nodes of these names, the first one the head, until the block ends."""
    found = LocalNodes(cpus, Cluster())
    try:
        for name in names:
            found.add(name, None if found.nodes else head_cpus)
        yield found
    finally:
        found.cluster.shutdown()


def raylet_pid(node: Any) -> int:
    """Process of a node's raylet."""
    return int(node.all_processes["raylet"][0].process.pid)


def node_of_peer(connection: Any, raylets: dict[int, str]) -> str | None:
    """Name of the node whose process answers a connected socket; None where it cannot be told any more."""
    own = connection.getsockname()[:2]
    for one in psutil.net_connections("tcp"):
        if one.raddr and one.pid and tuple(one.raddr) == own:
            with contextlib.suppress(psutil.NoSuchProcess):
                return raylets.get(psutil.Process(one.pid).ppid())
    return None


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
