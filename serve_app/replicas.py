"""How many replicas a deployment has, what makes more of them, and how they lie on machines."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Any

from ray.serve.config import AutoscalingConfig

from recsys.config import ServeConfig


@dataclass(frozen=True)
class Replicas:
    """A number of replicas, or the range in which their number follows load."""

    least: int
    most: int | None = None
    """None keeps the number at `least`."""

    def options(self, config: ServeConfig, machines: int) -> dict[str, Any]:
        """Options of a Serve deployment on a cluster of so many machines."""
        return self._numbers(config) | self._spread(config, machines)

    def _numbers(self, config: ServeConfig) -> dict[str, Any]:
        if self.most is None or self.most == self.least:
            return {"num_replicas": self.least}
        # Serve takes options of deployments that scale as a config only.
        return {
            "autoscaling_config": AutoscalingConfig(
                min_replicas=self.least,
                max_replicas=self.most,
                target_ongoing_requests=config.requests_per_replica,
                upscale_delay_s=config.scale_up_after_s,
                downscale_delay_s=config.scale_down_after_s,
            )
        }

    def _spread(self, config: ServeConfig, machines: int) -> dict[str, Any]:
        """Copies on one machine would die together, and Serve's own spreading is by best effort."""
        most = max(self.least, self.most or 0)
        if config.max_replicas_per_node is not None:
            return {"max_replicas_per_node": config.max_replicas_per_node}
        if machines < 2 or most < 2:
            return {}
        return {"max_replicas_per_node": ceil(most / machines)}
