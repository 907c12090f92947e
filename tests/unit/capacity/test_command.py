"""`recsys capacity` as it is typed."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from jobs.cli import app


def asked(*options: str) -> dict[str, object]:
    found = CliRunner().invoke(app, ["capacity", "--json", "--requests", "300", *options])
    assert found.exit_code == 0, found.output
    answer: dict[str, object] = json.loads(found.stdout)
    return answer


def test_more_items_cost_more_and_a_gpu_rate_gives_gpu_hours() -> None:
    small = asked("--items", "1_000_000", "--shards", "4")
    large = asked("--items", "100_000_000", "--shards", "4", "--gpu-texts-per-s", "5000")
    for name in ("build_s", "disk_gb", "memory_per_shard_gb", "embed_core_hours", "search_per_shard_ms"):
        assert float(str(large[name])) > float(str(small[name]))
    assert small["embed_gpu_hours"] is None
    assert large["embed_gpu_hours"] == 100_000_000 / 5_000 / 3_600


def test_traffic_beyond_the_cores_has_no_latency_but_a_number_of_nodes() -> None:
    spread = ("--shards", "1", "--replicas", "64", "--p99-limit-ms", "500")
    answer = asked("--items", "1_000_000", "--nodes", "1", "--cores", "2", "--qps", "2000", *spread)
    assert answer["p99_ms"] is None
    assert isinstance(answer["fewest_nodes"], int)
    assert answer["fewest_nodes"] > 1
