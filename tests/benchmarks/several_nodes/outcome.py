"""What the log of a load says: failures, coverage, latency by phase, and lists compared with brute force."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from jobs.simulation.oracle import Version
from recsys.identifiers import shard_of
from tests.benchmarks.several_nodes.load import Asked

OK = 200


def read_log(log: Path) -> list[Asked]:
    """Every request; a line that was cut by the end of the process is left out."""
    lines = log.read_text().splitlines()
    return [Asked(**json.loads(line)) for line in lines if line.endswith("}")]


def figures(asked: Sequence[Asked], phases: dict[str, tuple[float, float]]) -> dict[str, Any]:
    """Counts and latencies of each phase, given by wall clock from and to."""
    return {
        name: _phase([one for one in asked if start <= one.at < end]) for name, (start, end) in phases.items()
    }


def _phase(asked: Sequence[Asked]) -> dict[str, Any]:
    lists = [one for one in asked if one.coverage is not None]
    reasons = Counter(reason for one in lists for reason in one.degraded)
    latencies = [one.latency_ms for one in asked if one.status == OK]
    return {
        "requests": len(asked),
        "not_200": sum(one.status not in (0, OK) for one in asked),
        "broken_connections": sum(one.status == 0 for one in asked),
        "coverage_below_1": sum(one.coverage != 1.0 for one in lists),
        "degraded": dict(sorted(reasons.items())),
        **{f"p{q}_ms": round(float(np.percentile(latencies, q)), 1) if latencies else None for q in (50, 99)},
        "slowest_ms": round(max(latencies, default=0.0), 1),
    }


def mismatches(asked: Sequence[Asked], version: Version, num_shards: int) -> dict[str, int]:
    """Lists of similar items that are not the best of the shards that answered, up to ties.

    An answer says how many shards took part, not which: it agrees when it is the best of any so many.
    One that was filled with what is popular, and says so, is counted and not compared.
    """
    found = {"compared": 0, "filled_up": 0, "other_version": 0, "mismatches": 0}
    shards = np.array([shard_of(item_id, num_shards) for item_id in version.item_ids])
    for one in asked:
        if one.kind != "similar" or one.status != OK:
            continue
        if "fallback" in one.degraded:
            found["filled_up"] += 1
            continue
        found["compared"] += 1
        found["other_version"] += one.index_version != version.index_version
        found["mismatches"] += not _agrees(one, version, shards, num_shards)
    return found


def _agrees(one: Asked, version: Version, shards: np.ndarray, num_shards: int) -> bool:
    for chosen in combinations(range(num_shards), one.shards_ok or 0):
        part = replace(version, available=version.available & np.isin(shards, chosen))
        if part.agrees(one.subject, one.listed):
            return True
    return False
