"""Lines through measured costs, and what they say of larger catalogs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from recsys.capacity.cluster import ClusterPlan, work_of
from recsys.capacity.cost_model import CostModel, Line, held_out_errors
from recsys.capacity.figures import Figures, SizeFigures, read_figures
from recsys.capacity.plan import costs, fewest_nodes, latencies
from recsys.errors import InputError

MB, GB = 10**6, 10**9


def size(items: int) -> SizeFigures:
    """Costs that are exactly linear in the items."""
    return SizeFigures(
        items=items,
        build_s=2.0 + items * 1e-4,
        publish_s=0.1 + items * 1e-6,
        disk_bytes=1_000 + items * 2_000,
        memory_bytes=50 * MB + items * 2_000,
        exact_ms=items * 1e-4,
        search_ms=0.2 + items * 4e-6,
        search_spread=0.2,
        recall=0.99,
    )


def figures(*sizes: SizeFigures) -> Figures:
    return Figures(
        machine="a test",
        date="2026-11-25",
        sizes=sizes or (size(10_000), size(100_000), size(1_000_000)),
        merge_ms=0.02,
        request_ms=5.0,
        hop_ms=1.0,
        process_bytes=250 * MB,
        embed_texts_per_s=100.0,
    )


def test_a_line_is_found_again_also_far_beyond_what_was_measured() -> None:
    shard = CostModel.fit(figures()).shard(100_000_000)
    expected = size(100_000_000)
    assert shard == pytest.approx({name: float(getattr(expected, name)) for name in shard}, rel=1e-6)


def test_the_largest_sizes_decide() -> None:
    line = Line.through([1e4, 1e5, 1e6], [1.0, 10.0, 130.0])
    assert line.at(1e6) == pytest.approx(130.0, rel=0.02)
    assert line.at(1e7) == pytest.approx(1_300.0, rel=0.05)


def test_search_times_have_the_mean_of_their_distribution() -> None:
    plan, model = ClusterPlan(items=100_000), CostModel.fit(figures())
    median = model.shard(100_000)["search_ms"] + 1.0
    work = work_of(plan, model)
    drawn = work.draw_search(np.random.default_rng(0), 200_000)
    assert np.median(drawn) == pytest.approx(median, rel=0.01)
    assert drawn.mean() == pytest.approx(work.search_ms, rel=0.01)


@pytest.mark.parametrize("values", [[1.0, 100.0], [5.0, 4.0]])
def test_no_part_of_a_line_is_negative(values: list[float]) -> None:
    line = Line.through([10.0, 20.0], values)
    assert line.base >= 0.0
    assert line.slope >= 0.0


def test_the_largest_size_is_predicted_from_the_smaller_ones() -> None:
    assert held_out_errors(figures()) == pytest.approx(dict.fromkeys(held_out_errors(figures()), 1.0))
    slow = size(1_000_000).model_copy(update={"search_ms": 2 * size(1_000_000).search_ms})
    errors = held_out_errors(figures(size(10_000), size(100_000), slow))
    assert errors["search_ms"] == pytest.approx(0.5)
    assert errors["build_s"] == pytest.approx(1.0)
    assert held_out_errors(figures(size(1), size(2))) == {}


def test_costs_of_a_plan() -> None:
    plan = ClusterPlan(items=64_000_000, shards=32, replicas=2, nodes=10)
    found = costs(plan, CostModel.fit(figures()), gpu_texts_per_s=1_000.0)
    shard_gb = (250 * MB + 50 * MB + 2_000_000 * 2_000) / GB
    assert found.memory_per_shard_gb == pytest.approx(shard_gb)
    assert found.memory_per_node_gb == pytest.approx(7 * shard_gb)  # 64 servers on 10 nodes
    assert found.disk_gb == pytest.approx(64_000_000 * 2_000 / GB, rel=1e-3)
    assert found.embed_core_hours == pytest.approx(64_000_000 / 100 / 3_600)
    assert found.embed_gpu_hours == pytest.approx(64_000_000 / 1_000 / 3_600)
    assert found.build_s == pytest.approx(202.0)


def test_too_much_traffic_has_no_latency() -> None:
    model = CostModel.fit(figures())
    plan = ClusterPlan(items=1_000_000, nodes=1, cores=1, requests_per_s=10_000.0)
    found = latencies(plan, work_of(plan, model))
    assert found.p99_ms is None
    assert found.utilisation > 1.0


def test_the_fewest_nodes_keep_the_limit_and_one_less_does_not() -> None:
    model = CostModel.fit(figures())
    plan = ClusterPlan(items=10_000_000, shards=8, cores=4, requests_per_s=400.0, num_requests=2_000)
    nodes = fewest_nodes(plan, model, p99_limit_ms=60.0)
    assert nodes is not None
    assert nodes > 1

    def p99(count: int) -> float:
        tried = plan.model_copy(update={"nodes": count})
        return latencies(tried, work_of(tried, model)).p99_ms or float("inf")

    assert p99(nodes) <= 60.0 < p99(nodes - 1)


def test_memory_asks_for_nodes_as_well() -> None:
    model = CostModel.fit(figures())
    plan = ClusterPlan(items=10_000_000, shards=10, requests_per_s=1.0, num_requests=200)
    one_shard_gb = costs(plan, model).memory_per_shard_gb
    assert fewest_nodes(plan, model, 1e6, node_memory_gb=one_shard_gb * 2.5) == 5
    assert fewest_nodes(plan, model, 1e6, node_memory_gb=one_shard_gb * 0.5) is None
    assert fewest_nodes(plan, model, 0.001) is None


def test_figures_come_from_a_file_a_record_or_the_package(tmp_path: Path) -> None:
    plain, record, wrong = (tmp_path / name for name in ("plain.json", "growth.json", "wrong.json"))
    plain.write_text(figures().model_dump_json())
    held = {"title": "growth", "figures": {"capacity": figures().model_dump(), "swap_s": 1.0}}
    record.write_text(json.dumps({"name": "growth", "section": held}))
    wrong.write_text('{"machine": "x"}')
    assert read_figures(plain) == read_figures(record) == figures()
    assert {size.items for size in read_figures().sizes} == {10_000, 100_000, 1_000_000}
    with pytest.raises(InputError):
        read_figures(wrong)
