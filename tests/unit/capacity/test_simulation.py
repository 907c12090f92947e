"""The simulated cluster against queueing theory."""

from __future__ import annotations

import math

import numpy as np
import pytest

from recsys.capacity.cluster import ClusterPlan, Work
from recsys.capacity.simulation import offered_load, simulate

ONE_SERVER = ClusterPlan(items=1, cores=1, network_ms=0.0, num_requests=60_000, seed=3)
EXPONENTIAL_LIKE = math.sqrt(math.log(2.0))
"""Spread at which a log-normal time has the second moment of an exponential one."""


def search_only(mean_ms: float, spread: float) -> Work:
    return Work(request_ms=0.0, search_ms=mean_ms, search_spread=spread, merge_ms=0.0)


@pytest.mark.parametrize("load", [0.3, 0.7])
@pytest.mark.parametrize(("spread", "moment"), [(0.0, 1.0), (EXPONENTIAL_LIKE, 2.0)])
def test_one_server_waits_as_long_as_pollaczek_and_khinchine_say(
    load: float, spread: float, moment: float
) -> None:
    # 1 is M/D/1; 2 is the mean wait of M/M/1.
    plan = ONE_SERVER.model_copy(update={"requests_per_s": 100.0 * load})
    outcome = simulate(plan, search_only(10.0, spread))
    expected = moment * load * 10.0 / (2.0 * (1.0 - load))
    assert outcome.waits_ms.mean() == pytest.approx(expected, rel=0.08)
    assert outcome.utilisation == pytest.approx(load, rel=0.03)


def test_many_cores_wait_as_long_as_erlang_c_says() -> None:
    # M/M/c: the mean wait is Erlang's C over (c - load) services; log-normal times come near it.
    cores, load = 4, 3.2
    terms = [load**k / math.factorial(k) for k in range(cores)]
    last = load**cores / math.factorial(cores) * cores / (cores - load)
    expected = last / (sum(terms) + last) * 10.0 / (cores - load)
    plan = ClusterPlan(
        items=1, cores=cores, network_ms=0.0, requests_per_s=100.0 * load, num_requests=60_000, seed=5
    )
    outcome = simulate(plan, search_only(10.0, EXPONENTIAL_LIKE))
    assert outcome.waits_ms.mean() == pytest.approx(expected, rel=0.12)


def test_an_answer_waits_for_the_slowest_of_all_shards() -> None:
    work, shards = search_only(5.0, 0.5), 16
    plan = ClusterPlan(
        items=1, shards=shards, nodes=16, cores=64, requests_per_s=1.0, num_requests=4_000, network_ms=0.0
    )
    outcome = simulate(plan, work)
    slowest = work.draw_search(np.random.default_rng(0), 4_000 * shards).reshape(-1, shards).max(axis=1)
    assert outcome.waits_ms.max() == pytest.approx(0.0, abs=1e-9)
    assert outcome.percentile_ms(50) == pytest.approx(np.median(slowest), rel=0.03)
    assert outcome.percentile_ms(99) == pytest.approx(np.percentile(slowest, 99), rel=0.1)


def test_every_part_of_a_request_takes_its_time() -> None:
    work = Work(request_ms=3.0, search_ms=5.0, search_spread=0.0, merge_ms=2.0, network_ms=0.5)
    plan = ClusterPlan(items=1, shards=4, nodes=4, cores=64, requests_per_s=1.0, num_requests=100)
    assert simulate(plan, work).latencies_ms == pytest.approx(np.full(90, 3.0 + 0.5 + 5.0 + 0.5 + 2.0))


def test_equal_plans_give_equal_outcomes_and_another_seed_another() -> None:
    plan = ClusterPlan(items=1, shards=2, nodes=2, cores=2, requests_per_s=200.0, num_requests=500)
    work = search_only(5.0, 0.3)
    first, again = simulate(plan, work), simulate(plan, work)
    other = simulate(plan.model_copy(update={"seed": 1}), work)
    assert (first.latencies_ms == again.latencies_ms).all()
    assert (first.latencies_ms != other.latencies_ms).any()


def test_a_second_replica_halves_the_load_of_a_hot_node() -> None:
    work = search_only(8.0, 0.0)
    plan = ClusterPlan(items=1, shards=1, nodes=2, cores=1, requests_per_s=100.0, num_requests=5_000)
    one, two = simulate(plan, work), simulate(plan.model_copy(update={"replicas": 2}), work)
    # At 80 % M/D/1 waits 16 ms; at 40 % it waits 2.7 ms.
    assert one.waits_ms.mean() > 3 * two.waits_ms.mean()
    assert offered_load(plan, work) == pytest.approx(0.4)


def test_replicas_are_dealt_out_over_all_nodes() -> None:
    plan = ClusterPlan(items=1, shards=3, replicas=2, nodes=4)
    assert [plan.nodes_of(shard) for shard in range(3)] == [[0, 1], [2, 3], [0, 1]]
