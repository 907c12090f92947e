"""Which arm a shopper is in: a pure function of salt and shopper, and steady when shares change."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from recsys.experiments.experiment import Arm, Experiment
from recsys.identifiers import shard_of

POINTS = 10**9
"""All shoppers lie on so many points; the finest share is one of them."""


def arm_of(experiment: Experiment, unit: str) -> Arm | None:
    """The arm of a shopper, or None for one outside the experiment; state and dates play no part.

    The shopper's point is the digest (`identifiers.SHARD_HASH`) of salt and shopper, so experiments with
    different salts deal independently. Each of `k` arms fills its own `k`-th of the points from the start,
    and what does not fit fills free ends of the others'. So when arms grow into the rest nobody changes
    arms as long as at most one of them is above `1/k`; when shares shrink, only the arm that shrinks loses.
    Adding an arm deals anew: make it a new experiment.
    """
    point = shard_of(f"{experiment.salt or experiment.experiment_id}\0{unit}", POINTS)
    ends, owners = zones(tuple(arm.share for arm in experiment.arms))
    owner = owners[int(np.searchsorted(ends, point, side="right"))]
    return None if owner is None else experiment.arms[owner]


@lru_cache(maxsize=1024)
def zones(shares: tuple[float, ...]) -> tuple[np.ndarray, tuple[int | None, ...]]:
    """Ends of consecutive zones of points, and the arm that owns each (None: nobody)."""
    count = len(shares)
    points = [round(share * POINTS) for share in shares]
    starts = [home * POINTS // count for home in range(count + 1)]
    used = [min(points[arm], starts[arm + 1] - starts[arm]) for arm in range(count)]
    free_until = starts[1:]
    zones = [(starts[arm], starts[arm] + used[arm], arm) for arm in range(count)]
    for arm in range(count):
        spilled = points[arm] - used[arm]
        for home in range(count):
            taken = min(spilled, free_until[home] - starts[home] - used[home])
            zones.append((free_until[home] - taken, free_until[home], arm))
            free_until[home] -= taken
            spilled -= taken
    return _covering(sorted(zone for zone in zones if zone[0] < zone[1]))


def _covering(zones: list[tuple[int, int, int]]) -> tuple[np.ndarray, tuple[int | None, ...]]:
    ends: list[int] = []
    owners: list[int | None] = []
    at = 0
    for start, end, owner in zones:
        if start > at:
            ends.append(start)
            owners.append(None)
        ends.append(end)
        owners.append(owner)
        at = end
    return np.array(ends), (*owners, None)
