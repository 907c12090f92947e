"""What is watched exists: metrics of a running service, the dashboard and alerts over them, run-books."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from cluster.database import open_database
from cluster.loop_store import LoopStore
from cluster.loop_store.runs import LEASE
from recsys.config import ServeConfig
from recsys.errors import StoreError
from recsys.feedback import Kind, Run, RunState, Trigger
from recsys.profile import UserProfile
from serve_app.service import ShopService
from serve_app.stages import STAGES
from tests.serve.conftest import SmallShop, assemble_inline, client_of

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "observability"
PROMETHEUS_OWN = {"up"}
PROMETHEUS_LABELS = {"instance", "job", "le"}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
Labels = dict[str, set[str]]


def names_and_labels(text: str) -> Labels:
    """Every series that a service may give, with the labels seen on it."""
    found: Labels = {}
    for family in text_string_to_metric_families(text):
        for suffix in SUFFIXES[family.type]:
            found[family.name + suffix] = set()
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


async def shopped(client: httpx.AsyncClient, user: str) -> None:
    """One request of each kind."""
    event = {"event_id": "e1", "user_id": user, "item_id": "item-00001", "event_type": "view"}
    item = {"item_id": "new", "title": "Wool blanket"}
    for path, body in (
        ("/v1/items:batch", {"items": [item]}),
        ("/v1/recommend", {"user_id": user}),
        ("/v1/recommend", {"user_id": "nobody-knows", "text": "blanket", "scenario": "home"}),
        ("/v1/recommend", {"user_id": "nobody-knows"}),
        ("/v1/search", {"text": "blanket"}),
        ("/v1/similar", {"item_id": "new"}),
        ("/v1/events:batch", {"events": [{**event, "occurred_at": "2026-03-01T00:00:00Z"}]}),
    ):
        answer = await client.post(path, json=body)
        assert answer.status_code == 200, (path, answer.text)


def scraped(service: ShopService, user: str) -> str:
    """What Prometheus reads after some shopping."""

    async def run() -> str:
        async with client_of(service) as client:
            await shopped(client, user)
            await service.journal.flush()
            return (await client.get("/metrics")).text

    return asyncio.run(run())


@pytest.fixture
def user(small_shop: SmallShop) -> str:
    """A shopper with a history."""
    return small_shop.events.typical_users(1)[0].removeprefix("user:")


@pytest.fixture
def text(service: ShopService, user: str) -> str:
    """Metrics of a service that has answered everything once."""
    return scraped(service, user)


def value(text: str, sample: str, **labels: str) -> float:
    """The sum of a sample over all labels but those given."""
    return sum(
        one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name == sample and labels.items() <= one.labels.items()
    )


def selectors(expression: Any) -> Iterator[Any]:
    """The series that a query reads."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    elif isinstance(expression, promql_parser.MatrixSelector):
        yield expression.vector_selector
    for part in ("lhs", "rhs", "expr"):
        if (inner := getattr(expression, part, None)) is not None:
            yield from selectors(inner)
    for argument in getattr(expression, "args", None) or ():
        yield from selectors(argument)


def rules() -> list[dict[str, Any]]:
    """Every alert."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboard_queries() -> list[str]:
    """Every query of the dashboard, with Grafana's variables as Prometheus would get them."""
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return [query.replace("$__rate_interval", "1m").replace("$instance", ".*") for query in queries]


def test_every_query_is_valid_and_reads_series_and_labels_that_a_service_gives(text: str) -> None:
    given = names_and_labels(text)
    queries = [rule["expr"] for rule in rules()] + dashboard_queries()
    assert len(queries) > 25
    for query in queries:
        read = list(selectors(promql_parser.parse(query)))
        assert read, query
        for selector in read:
            if selector.name in PROMETHEUS_OWN:
                continue
            assert selector.name in given, (selector.name, query)
            asked = {matcher.name for matcher in selector.matchers.matchers} - PROMETHEUS_LABELS
            assert asked <= given[selector.name], (selector.name, asked, query)


def test_every_metric_of_ours_is_on_the_dashboard(text: str) -> None:
    shown = " ".join(dashboard_queries())
    names = [family.name for family in text_string_to_metric_families(text)]
    families = [name for name in names if not name.endswith("_created")]
    assert len(families) >= 13
    assert [name for name in families if name not in shown] == []


def test_every_alert_names_a_run_book_and_every_route_it_asks_for_exists(service: ShopService) -> None:
    from serve_app.api import create_api

    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "operations.md").read_text(), re.M)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    routes = {getattr(route, "path", "") for route in create_api(service).routes} | {"unknown"}
    for rule in rules():
        page, anchor = rule["annotations"]["runbook"].split("#")
        assert (page, anchor in anchors) == ("docs/operations.md", True), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        for selector in selectors(promql_parser.parse(rule["expr"])):
            for matcher in selector.matchers.matchers:
                if matcher.name == "route":
                    assert any(re.fullmatch(matcher.value, route) for route in routes), matcher.value


def test_prometheus_loads_the_alerts_and_asks_under_the_name_that_they_use() -> None:
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert config["rule_files"] == ["alerts.yml"]
    (job,) = config["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert f'up{{job="{job["job_name"]}"}}' in " ".join(rule["expr"] for rule in rules())


def test_stages_are_counted_and_take_no_longer_than_the_requests(text: str) -> None:
    seen = set(re.findall(r'recsys_stage_seconds_count\{stage="(\w+)"\}', text))
    assert seen == set(STAGES)
    assert value(text, "recsys_stage_seconds_count", stage="profile") == 3
    # A context, a search, and what the shopper wrote in reviews.
    assert 2 <= value(text, "recsys_stage_seconds_count", stage="encode") <= 3
    assert value(text, "recsys_stage_seconds_count", stage="explain") == 5
    in_stages = value(text, "recsys_stage_seconds_sum")
    assert 0.0 < in_stages <= value(text, "recsys_request_seconds_sum")


def test_the_index_and_the_changes_beside_it_are_told(
    service: ShopService, small_shop: SmallShop, user: str
) -> None:
    small_shop.items.delete(["item-00002"])
    text = scraped(service, user)
    age = value(text, "recsys_index_age_seconds")
    assert 0.0 < age < 3_600.0
    told = [value(text, name) for name in ("recsys_live_items", "recsys_live_removed_items")]
    assert told == [1.0, 1.0]
    assert value(text, "recsys_live_complete") == 1.0
    assert value(text, "recsys_index_refused_versions") == 0.0


def test_runs_of_the_loop_are_told_by_kind_and_failures_are_counted_in_a_row(
    service: ShopService, small_shop: SmallShop
) -> None:
    store = LoopStore(open_database(small_shop.workspace.database_url))
    token = store.leases.take(LEASE, "here")
    began = int(time.time() * 1e6) - 100_000_000
    states = [*[RunState.FAILED] * 2, RunState.SUCCEEDED, *[RunState.FAILED] * 3, RunState.RUNNING]
    for number, state in enumerate(states):
        ended = None if state is RunState.RUNNING else began
        store.runs.add(
            Run(
                f"fit-{number}", Kind.FIT, Trigger.POLICY, state, 0, 0, started_at_us=began, ended_at_us=ended
            ),
            token,
        )
    assert service.loop_health
    asyncio.run(service.loop_health.refresh())
    text = service.metrics.text().decode()
    told = {state: value(text, "recsys_job_runs", kind="fit", state=state) for state in RunState}
    assert {state: count for state, count in told.items() if count} == {
        RunState.FAILED: 5,
        RunState.SUCCEEDED: 1,
        RunState.RUNNING: 1,
    }
    assert value(text, "recsys_job_failures_in_a_row") == 3
    assert 100 <= value(text, "recsys_job_success_age_seconds", kind="fit") < 1_000
    assert value(text, "recsys_loop_beats") == 1
    assert value(text, "recsys_loop_paused") == 0
    store.runs.add(Run("fit-9", Kind.FIT, Trigger.POLICY, RunState.REFUSED, 0, 0, ended_at_us=began), token)
    store.set_state("paused", True)
    asyncio.run(service.loop_health.refresh())
    text = service.metrics.text().decode()
    assert value(text, "recsys_job_failures_in_a_row") == 0
    assert value(text, "recsys_loop_paused") == 1


class SlowProfiles:
    """Profiles that come when the test says so."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    async def profile(self, user_key: str, now_us: int) -> UserProfile:
        """No profile, in the end."""
        self.asked.set()
        await self.go.wait()
        raise StoreError("profiles are away")


def test_a_request_is_under_way_until_it_is_answered(small_shop: SmallShop, config: ServeConfig) -> None:
    async def run() -> None:
        profiles = SlowProfiles()
        service = assemble_inline(small_shop, config, profiles)

        def under_way() -> float | None:
            return service.metrics.registry.get_sample_value("recsys_requests_under_way")

        async with client_of(service) as client:
            waiting = asyncio.create_task(client.post("/v1/recommend", json={"user_id": "u"}))
            await profiles.asked.wait()
            assert under_way() == 1.0
            assert "recsys_requests_under_way 1.0" in (await client.get("/metrics")).text
            profiles.go.set()
            assert (await waiting).status_code == 200
            await client.post("/v1/recommend", json={"n": "many"})
            assert under_way() == 0.0

    asyncio.run(run())


DIES = "from serve_app.metrics import Metrics; import os; Metrics().under_way.inc(3); os._exit(9)"
LIVES = "from serve_app.metrics import Metrics; m = Metrics(); m.under_way.inc(); print(m.text().decode())"


def test_what_a_killed_replica_had_under_way_is_forgotten(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def python(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
        )
        return done.stdout

    python(DIES)
    assert list(tmp_path.glob("gauge_livesum_*.db"))
    assert value(python(LIVES), "recsys_requests_under_way") == 1.0
