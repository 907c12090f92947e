"""Ranking of many users on Ray: chunks of users as tasks over one shared scorer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import ray
from threadpoolctl import threadpool_limits

from recsys.evaluation.ranking import Ranked, Scorer, chunks, joined, rank_chunk
from recsys.evaluation.splits import Split


def rank_on_ray(
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Callable[..., Ranked]:
    """`rank_split` over the Ray that is connected; the same lists, in the same order.

    Scorer and split lie once in the object store. At most two tasks a CPU wait at a time.
    """

    def rank(
        scorer: Scorer,
        split: Split,
        mask_seen: bool,
        available: np.ndarray | None = None,
        *,
        with_auc: bool = True,
    ) -> Ranked:
        shared = ray.put((scorer, split, available))
        ranges = list(chunks(split))
        resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]  # Ray's own
        limit = max(2 * int(resources.get("CPU", 1)), 1)
        parts: list[Any] = []
        for number, (start, stop) in enumerate(ranges):
            if number >= limit:
                ray.wait(parts, num_returns=number - limit + 1)
            parts.append(_rank.remote(shared, start, stop, mask_seen, with_auc))
        found = []
        for (_, stop), part in zip(ranges, parts, strict=True):
            found.append(ray.get(part))
            on_progress(stop, len(split.users))
        return joined(found)

    return rank


@ray.remote(num_cpus=1)
def _rank(
    shared: tuple[Scorer, Split, np.ndarray | None], start: int, stop: int, mask_seen: bool, with_auc: bool
) -> Ranked:
    scorer, split, available = shared
    with threadpool_limits(1):  # a task has one CPU
        return rank_chunk(scorer, split, start, stop, mask_seen, available, with_auc=with_auc)
