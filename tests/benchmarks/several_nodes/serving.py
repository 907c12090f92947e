"""What Serve says of its replicas, node by node."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ray.serve.context import _get_global_client  # noqa: PLC2701  # what `serve status` prints lacks the nodes

from serve_app.app import APP_NAME


@dataclass(frozen=True)
class Serving:
    """Replicas of each deployment that run, by node, and how many there should be."""

    wanted: dict[str, int]
    running: dict[str, Counter[str]]

    def missing(self, kinds: tuple[str, ...] = ("",)) -> int:
        """Replicas that are not there, of deployments whose name begins so."""
        names = [name for name in self.wanted if name.startswith(kinds)]
        return sum(max(0, self.wanted[name] - sum(self.running[name].values())) for name in names)

    def on(self, node: str) -> list[str]:
        """Deployments with a replica on a node."""
        return sorted(name for name, nodes in self.running.items() if nodes[node])

    def table(self) -> dict[str, dict[str, int]]:
        """Replicas by deployment and node."""
        return {name: dict(sorted(nodes.items())) for name, nodes in sorted(self.running.items())}


def look(node_ids: dict[str, str]) -> Serving:
    """The state now; what is on a node that is not among `node_ids` does not count as running."""
    client: Any = _get_global_client()
    details = client.get_serve_details()
    deployments = details["applications"][APP_NAME]["deployments"]
    wanted, running = {}, {}
    for name, one in deployments.items():
        wanted[name] = int(one["target_num_replicas"])
        alive = [r for r in one["replicas"] if r["state"] == "RUNNING" and r["node_id"] in node_ids]
        running[name] = Counter(node_ids[replica["node_id"]] for replica in alive)
    return Serving(wanted, running)


def wait_until(done: Callable[[], bool], timeout_s: float, pause_s: float = 0.25) -> float | None:
    """Seconds until `done`, or None when it was not in time."""
    begun = time.monotonic()
    while time.monotonic() - begun < timeout_s:
        if done():
            return time.monotonic() - begun
        time.sleep(pause_s)
    return None
