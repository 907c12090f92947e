"""What stands between the benchmark and the services: figures of wrk, requests, memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from jobs.bench.http_traffic import make_traffic
from jobs.bench.peers_http import bare_api
from jobs.bench.processes import memory_of
from jobs.bench.wrk import load_of, require_wrk
from recsys.errors import ConfigError, StoreError
from recsys.filters import parse_filter


def test_figures_of_wrk_are_read_and_their_absence_is_an_error() -> None:
    line = (
        'FIGURES {"requests": 300, "micros": 2000000, "p50": 1500, "p90": 2000, "p99": 9000, "status": 2, '
        '"broken": 1}'
    )
    load = load_of(f"Running\n{line}\n")
    assert (load.requests_per_s, load.p50_ms, load.p90_ms, load.p99_ms) == (150.0, 1.5, 2.0, 9.0)
    assert load.failed == 3
    with pytest.raises(StoreError, match="unable to connect"):
        load_of("", "unable to connect")


def test_an_absent_wrk_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigError, match="apt-get install wrk"):
        require_wrk()


def test_a_third_of_the_traffic_has_each_kind_of_filter(tmp_path: Path) -> None:
    bodies = make_traffic(tmp_path, num_users=10).bodies
    fields = [body.get("filter", {}).get("field") for body in bodies]
    assert {field: fields.count(field) for field in set(fields)} == dict.fromkeys(
        (None, "price_minor", "category"), len(bodies) // 3
    )
    for body in bodies[:30]:
        if "filter" in body:
            parse_filter(body["filter"])
    assert make_traffic(tmp_path, num_users=10).bodies == bodies


def test_memory_counts_what_a_process_holds() -> None:
    before = memory_of(os.getpid())
    held = np.ones(16_000_000, np.float64)
    after = memory_of(os.getpid())
    assert after.own - before.own == pytest.approx(held.nbytes, rel=0.05)
    assert after.resident == after.own + after.mapped


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_bare_service_answers_the_nearest_items() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.standard_normal((50, 8), np.float32)
    client = TestClient(bare_api(vectors, num_users=3, seed=5))
    user = np.random.default_rng(5).standard_normal((3, 8), np.float32)[1]
    found = client.post("/recommend", json={"user_id": "shopper-000001", "n": 4}).json()["items"]
    assert found == [f"item-{place:05d}" for place in np.argsort(-(vectors @ user))[:4].tolist()]
