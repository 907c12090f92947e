"""One trace and one request id over the processes of a service with a deployment for each shard."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import ray

from cluster.database import open_database
from jobs.bench.service import free_port
from recsys.config import LogConfig, LogFormat, Placement, RuntimeConfig, ServeConfig, TraceConfig
from serve_app import app
from tests.serve.conftest import SmallShop, make_small_shop
from tests.serve.otlp_collector import Collector, ReceivedSpan, collector

pytestmark = pytest.mark.timeout(300)
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
REQUEST_ID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
CANARY = "canary-anna@example.org"
STRANGER = "canary-bert@example.org"
WAIT_S = 30.0


@dataclass(frozen=True)
class Traced:
    """The service, and where it tells of itself."""

    client: httpx.Client
    shop: SmallShop
    collected: Collector

    def lines(self) -> list[dict[str, Any]]:
        """Every log line so far, of all processes."""
        files = sorted(self.shop.workspace.logs.glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def lines_of(self, request_id: str, processes: set[str]) -> list[dict[str, Any]]:
        """Those of one request, as soon as all the processes have written one."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            found = [line for line in self.lines() if line.get("request_id") == request_id]
            if processes <= {line["process"] for line in found}:
                break
            time.sleep(0.1)
        return found


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path, ray_cluster: None) -> Iterator[Traced]:
    """A deployment for each shard, all of them logged and traced."""
    shop = make_small_shop(tmp_path_factory.mktemp("shop"), tiny_bert, None)
    with collector() as collected:
        config = ServeConfig(
            port=free_port(),
            placement=Placement.REMOTE,
            shard_timeout_s=30,
            profile_timeout_s=30,
            log=LogConfig(format=LogFormat.JSON, level="debug"),
            traces=TraceConfig(target=collected.url, ratio=0.0),
        )
        url = app.start(RuntimeConfig(workspace=shop.workspace.root), config)
        with httpx.Client(base_url=url, timeout=30.0) as client:
            yield Traced(client, shop, collected)
        app.stop()


def asked(traced: Traced, path: str, body: dict[str, Any], trace: str = TRACE) -> httpx.Response:
    """A request inside a trace of the caller."""
    headers = {"traceparent": f"00-{trace}-{CALLER}-01", "x-request-id": REQUEST_ID}
    answer = traced.client.post(path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers.get_list("x-request-id") == [REQUEST_ID]
    return answer


def parents_of(spans: list[ReceivedSpan], span: ReceivedSpan) -> list[ReceivedSpan]:
    """The spans above one, the nearest first."""
    by_id = {one.span_id: one for one in spans}
    above = []
    while (found := by_id.get(span.parent_id)) is not None:
        above.append(found)
        span = found
    return above


def test_a_list_is_one_trace_over_ingress_profiles_encoder_and_shards(traced: Traced) -> None:
    user = traced.shop.events.typical_users(1)[0].removeprefix("user:")
    asked(traced, "/v1/recommend", {"user_id": user, "text": CANARY, "n": 5})
    wanted = {"ingress", "shard-0", "shard-1", "encoder"}

    def enough(spans: list[ReceivedSpan]) -> bool:
        names = {one.process for one in spans if one.trace_id == TRACE}
        return wanted <= names and any(name.startswith("profiles") for name in names)

    spans = [one for one in traced.collected.spans_when(enough) if one.trace_id == TRACE]
    assert enough(spans), {one.process for one in spans}
    (root,) = [one for one in spans if one.parent_id == CALLER]
    assert (root.name, root.process) == ("POST /v1/recommend", "ingress")
    assert all(parents_of(spans, one)[-1] == root for one in spans if one != root)
    for shard in (0, 1):
        searches = [one for one in spans if (one.process, one.name) == (f"shard-{shard}", "shard.search")]
        (call, stage, *_) = parents_of(spans, searches[0])
        assert (call.process, call.name) == ("ingress", "shard.search")
        assert call.attributes["recsys.shard"] == f"int_value: {shard}"
        assert stage.name == "retrieve"
    (profile,) = [one for one in spans if one.process.startswith("profiles")]
    assert parents_of(spans, profile)[0].name == "profile"
    assert {"merge", "arrange", "explain", "encoder.encode"} <= {one.name for one in spans}
    told = traced.collected.bodies
    assert not any(CANARY.encode() in body or user.encode() in body for body in told)


def test_an_append_is_traced_into_the_event_log(traced: Traced) -> None:
    trace = TRACE[::-1]
    event = {"event_id": CANARY, "user_id": CANARY, "item_id": "item-00001", "event_type": "view"}
    asked(traced, "/v1/events:batch", {"events": [event]}, trace)

    def in_log(spans: list[ReceivedSpan]) -> list[ReceivedSpan]:
        return [one for one in spans if (one.trace_id, one.process) == (trace, "events")]

    def enough(spans: list[ReceivedSpan]) -> bool:
        return bool(in_log(spans)) and any(one.parent_id == CALLER for one in spans if one.trace_id == trace)

    spans = traced.collected.spans_when(enough)
    (appended,) = in_log(spans)
    assert [one.name for one in (appended, *parents_of(spans, appended))] == [
        "events.append",
        "append",
        "POST /v1/events:batch",
    ]


def test_log_lines_of_all_processes_have_the_callers_request_id_and_name_nobody(traced: Traced) -> None:
    user = traced.shop.events.typical_users(1)[0].removeprefix("user:")
    asked(traced, "/v1/recommend", {"user_id": user, "text": CANARY, "n": 5})
    asked(traced, "/v1/events:batch", {"events": [{"user_id": CANARY, "item_id": "i", "event_type": "view"}]})
    lines = traced.lines_of(REQUEST_ID, {"ingress", "shard-0", "shard-1", "encoder", "events"})
    assert {"ingress", "shard-0", "shard-1", "encoder", "events"} <= {line["process"] for line in lines}
    assert any(line["process"].startswith("profiles") for line in lines)
    told = next(line for line in lines if line.get("route") == "/v1/recommend")
    assert (told["method"], told["status"], told["coverage"], told["trace_id"]) == ("POST", 200, 1.0, TRACE)
    assert told["index_version"]
    assert not [line for line in traced.lines() if user in json.dumps(line) or CANARY in json.dumps(line)]


def test_a_request_that_nobody_samples_is_no_trace(traced: Traced) -> None:
    answer = traced.client.post("/v1/recommend", json={"text": "kettle"}, headers={"x-request-id": CANARY})
    own = answer.headers["x-request-id"]
    assert own != CANARY
    lines = traced.lines_of(own, {"ingress", "shard-0"})
    assert lines
    assert not any("trace_id" in line for line in lines)


def told_on(file: Path) -> bool:
    """Whether a file holds one of the people."""
    content = file.read_bytes()
    return CANARY.encode() in content or STRANGER.encode() in content


def test_neither_logs_nor_rays_own_hold_what_callers_sent(traced: Traced) -> None:
    for path in (f"/v1/users/{STRANGER}/profile", f"/v1/items/{STRANGER}", f"/{STRANGER}?who={STRANGER}"):
        assert traced.client.get(path, headers={"x-request-id": STRANGER}).status_code in (404, 405)
    traced.client.post("/v1/recommend", json={"user_id": STRANGER, "filter": {"field": STRANGER}})
    with open_database(traced.shop.workspace.database_url).begin() as connection:
        connection.exec_driver_sql("ALTER TABLE events RENAME TO lost")
    assert traced.client.get(f"/v1/users/{STRANGER}/profile").status_code == 503
    time.sleep(1.0)  # Ray's own files are written behind the answers
    session = Path(ray.nodes()[0]["ObjectStoreSocketName"]).parents[1]  # type: ignore[no-untyped-call]
    files = [*(session / "logs").rglob("*"), *traced.shop.workspace.logs.iterdir()]
    assert len(files) > 10
    assert [file.name for file in files if file.is_file() and told_on(file)] == []
