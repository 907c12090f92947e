"""Routes for operators: accounts of lists against brute force, health, versions, pages of data."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cluster.confirmed_publish
import serve_app.replica_report
from cluster.database import open_database
from cluster.loop_store import LoopStore
from jobs.item_map import run_map
from recsys.config import RuntimeConfig
from recsys.feedback import Kind, Run, RunState, Trigger
from recsys.index import list_versions, load_manifest
from recsys.index.files import open_shard
from recsys.index.item_layout import NEIGHBOURS, agreement
from recsys.index.item_map import FILE
from recsys.schemas import QUARANTINE
from recsys.workspace import Workspace
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop
from tests.serve.test_api import active_user, ids, play, post

Scene = Callable[[httpx.AsyncClient], Awaitable[None]]


@pytest.fixture(autouse=True)
def _frequent_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishing waits for some reports of each replica; they come often here."""
    monkeypatch.setattr(serve_app.replica_report, "BEAT_S", 0.1)
    monkeypatch.setattr(cluster.confirmed_publish, "WATCHED_S", 0.3)


async def get(client: httpx.AsyncClient, path: str, status: int = 200, **params: Any) -> Any:
    """A decoded answer with the status that is expected."""
    answer = await client.get(path, params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_an_account_tells_the_list_its_parts_and_what_lost_its_place(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)
    brands = {row["item_id"]: row["brand"] for row in small_shop.shop.items.to_pylist()}

    async def scene(client: httpx.AsyncClient) -> None:
        plain = {"user_id": user, "n": 8}
        liked = ids(await post(client, "/v1/recommend", plain))[0]
        event = {"user_id": user, "item_id": liked, "event_type": "like"}
        await post(client, "/v1/events:batch", {"events": [event]})
        listed = await post(client, "/v1/recommend", plain)
        told = await post(client, "/v1/explain", {"request": plain})
        assert ids(told["answer"]) == ids(listed)
        everything = await post(client, "/v1/recommend", {**plain, "n": 500, "include_seen": True})
        best = ids(everything)[:8]
        seen = {one["item_id"] for one in told["lost"] if one["why"] == ["seen"]}
        assert [one["item_id"] for one in told["lost"]] == [item for item in best if item not in ids(listed)]
        assert liked in seen
        assert seen == {item for item in best if item not in ids(listed)}
        for item in told["answer"]["items"]:
            parts = sum(reason["contribution"] or 0.0 for reason in item["reasons"])
            assert parts == pytest.approx(item["score"], abs=1e-4)

        first, second, third = ids(listed)[:3]
        gone = {"items": {"field": "item_id", "op": "==", "value": first}, "effect": {"kind": "hide"}}
        await client.put("/v1/rules/gone", json=gone)
        await client.put("/v1/blocks/maker", json={"brands": [brands[second]]})
        where = {"field": "item_id", "op": "!=", "value": third}
        told = await post(client, "/v1/explain", {"request": {**plain, "filter": where}, "item_id": first})
        why = {one["item_id"]: one["why"] for one in told["lost"]}
        assert (why[first], why[second]) == (["hidden by gone"], ["block maker"])
        assert why[third] == ["request_filter"]
        assert {(one["kind"], one["name"]) for one in told["filters"]} == {
            ("request", "this request"),
            ("block", "maker"),
            ("rule", "gone"),
        }
        assert told["item"]["place"] is None
        assert told["item"]["score"] == pytest.approx(listed["items"][0]["score"])
        assert told["item"]["reasons"]
        last = ids(everything)[-1]
        told = await post(client, "/v1/explain", {"request": plain, "item_id": last})
        assert told["item"]["why"] in (["score"], ["block maker"], ["seen"])
        for odd, why_not in (("nobody", ["unknown"]), (ids(told["answer"])[0], [])):
            told = await post(client, "/v1/explain", {"request": plain, "item_id": odd})
            assert told["item"]["why"] == why_not

    play(service, scene)


def test_an_account_of_nobody_and_of_wrong_requests(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        told = await post(client, "/v1/explain", {"request": {"n": 3}, "item_id": "item-00001"})
        assert len(told["answer"]["items"]) == 3
        assert (told["lost"], told["seen"], told["item"]["score"]) == ([], 0, None)
        for body in (
            {},
            {"request": {"n": 0}},
            {"request": {"scenario": "moon"}},
            {"request": {}, "item_id": ""},
        ):
            assert (await client.post("/v1/explain", json=body)).status_code == 422

    play(service, scene)


def test_health_counts_what_was_asked(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        before = await get(client, "/v1/health")
        for _ in range(3):
            await post(client, "/v1/recommend", {"user_id": "nobody", "n": 2})
        await post(
            client, "/v1/events:batch", {"events": [{"user_id": "u", "item_id": "x", "event_type": "click"}]}
        )
        after = await get(client, "/v1/health")
        assert after["ready"]
        assert after["coverage"] == {"ratio": 1.0, "shards_ok": 2, "shards_total": 2, "items": 200}
        assert after["index"]["index_version"] in [one["index_version"] for one in after["replicas"]]
        times = {one["name"]: one for one in after["routes"]}["/v1/recommend"]
        assert times["count"] == 3
        assert len(times["within"]) == len(after["route_bounds_s"])
        assert times["within"] == sorted(times["within"])
        assert after["events"]["appended"] == before["events"].get("appended", 0) + 1
        assert {"profile", "retrieve", "explain"} <= {one["name"] for one in after["stages"]}
        assert after["statuses"]["200"] - before["statuses"].get("200", 0) == 5

    play(service, scene)


def test_versions_are_paged_judged_published_and_rolled_back_with_a_trace(
    service: ShopService, small_shop: SmallShop
) -> None:
    first = list_versions(small_shop.workspace)[0]
    small_shop.items.upsert(
        small_shop.shop.items.slice(0, 1).set_column(1, "title", [["Quite another title"]])
    )
    second = small_shop.index()
    broken = small_shop.workspace.index_version("20000101T000000-000000000000")
    broken.mkdir()
    (broken / "manifest.json").write_text("{}")

    async def scene(client: httpx.AsyncClient) -> None:
        page = await get(client, "/v1/index/versions", limit=2)
        assert [one["index_version"] for one in page["versions"]] == [second, first]
        assert [one["published"] for one in page["versions"]] == [True, False]
        assert page["earlier"] == first
        assert page["versions"][0]["made"]["item_count"] == 200
        rest = await get(client, "/v1/index/versions", before=page["next"])
        assert rest["next"] is None
        assert rest["versions"][0]["made"] is None
        assert "not valid" in rest["versions"][0]["broken"]

        actor = {"X-Actor": "ann"}
        for name, status in (("nothing", 404), ("../x", 404), (broken.name, 503)):
            answer = await client.post("/v1/index/publish", json={"index_version": name})
            assert answer.status_code == status, answer.text
        wrong = await client.post("/v1/index/rollback", json={"index_version": first})
        assert wrong.status_code == 409
        back = await client.post("/v1/index/rollback", json={"index_version": second}, headers=actor)
        assert back.json() == {"index_version": first, "instead_of": second}
        entry = (await get(client, "/v1/audit", limit=1))[0]
        assert (entry["action"], entry["actor"], entry["after"]["index_version"]) == (
            "rollback",
            "ann",
            first,
        )
        assert (await client.post("/v1/index/rollback", json={"index_version": first})).status_code == 409

        (small_shop.workspace.index_version(first) / "manifest.json").write_text("{}")
        newer, published = (await get(client, "/v1/index/versions", limit=2))["versions"]
        assert (published["published"], published["made"]) == (True, None)
        assert "not valid" in published["broken"]
        assert (newer["broken"], newer["made"]["item_count"]) == (None, 200)

    play(service, scene)


def test_a_version_that_the_gate_refuses_is_a_conflict_and_says_why(
    service: ShopService, small_shop: SmallShop
) -> None:
    small_shop.items.delete([f"item-{number:05d}" for number in range(100)])
    embedded = small_shop.index()  # published by hand; the way back is another matter
    full = list_versions(small_shop.workspace)[0]
    service_version = embedded

    async def scene(client: httpx.AsyncClient) -> None:
        back = await client.post("/v1/index/rollback", json={"index_version": service_version})
        assert back.json()["index_version"] == full
        page = await get(client, "/v1/index/versions")
        (judged,) = [one for one in page["versions"] if one["index_version"] == embedded]
        assert "items are less than" in judged["against"][0]
        refused = await client.post("/v1/index/publish", json={"index_version": embedded})
        assert refused.status_code == 409
        assert "items are less than" in refused.json()["message"]
        page = await get(client, "/v1/index/versions")
        (judged,) = [one for one in page["versions"] if one["index_version"] == embedded]
        assert "items are less than" in judged["refused"][0]
        assert next(one for one in page["versions"] if one["published"])["index_version"] == full

    play(service, scene)


def test_the_catalog_is_paged_and_searched_like_a_scan(service: ShopService, small_shop: SmallShop) -> None:
    rows = sorted(small_shop.shop.items.to_pylist(), key=lambda row: row["item_id"])

    async def pages(client: httpx.AsyncClient, **asked: Any) -> list[str]:
        found, after = list[str](), ""
        while True:
            page = await get(client, "/v1/catalog", limit=7, after=after or None, **asked)
            assert page["total"] == 200
            found += [item["item_id"] for item in page["items"]]
            if page["next"] is None:
                return found
            after = page["next"]

    async def scene(client: httpx.AsyncClient) -> None:
        assert await pages(client) == [row["item_id"] for row in rows]
        category = rows[0]["category"].split("/")[0]
        inside = [row["item_id"] for row in rows if row["category"].split("/")[0] == category]
        assert await pages(client, category=category) == inside
        word = rows[3]["title"].split()[1].upper()
        assert await pages(client, text=word) == [
            row["item_id"] for row in rows if word.lower() in f"{row['title']} {row['item_id']}".lower()
        ]
        assert await pages(client, text="%") == []
        some = await get(client, "/v1/catalog", item_id=["item-00007", "nothing"])
        assert [item["item_id"] for item in some["items"]] == ["item-00007"]
        await get(client, "/v1/catalog", 422, text="a\x00")
        twice = await get(client, "/v1/catalog", 422, text=["pot", "pan"])
        assert "text" in twice["message"]
        assert (await get(client, "/v1/catalog", limit=1, unknown=["a", "b"]))["next"], "no business of ours"
        await get(client, "/v1/catalog", 422, limit=201)

    play(service, scene)


def test_refused_rows_are_paged_over_row_groups(service: ShopService, small_shop: SmallShop) -> None:
    folder = small_shop.workspace.quarantine
    folder.mkdir()
    rows = [
        {
            "file": "a.csv",
            "row": n,
            "reason": ("bad_price", "missing_id")[n % 2],
            "detail": f"d{n}",
            "raw": "{}",
        }
        for n in range(25)
    ]
    table = pa.Table.from_pylist(rows, schema=QUARANTINE)
    pq.write_table(table, folder / "items-0abc.parquet", row_group_size=10)
    (folder / "events-0def.parquet").write_bytes(b"no parquet")
    os.utime(folder / "items-0abc.parquet", (2e9, 2e9))

    async def scene(client: httpx.AsyncClient) -> None:
        files = await get(client, "/v1/quarantine")
        assert [one["name"] for one in files["files"]] == ["items-0abc.parquet", "events-0def.parquet"]
        assert files["files"][0]["reasons"] == {"bad_price": 13, "missing_id": 12}
        found = list[Any]()
        for offset in (0, 9, 18, 27):
            page = await get(client, "/v1/quarantine/items-0abc.parquet", offset=offset, limit=9)
            assert page["total"] == 25
            found += page["rows"]
        assert found == rows
        await get(client, "/v1/quarantine/events-0def.parquet", 503)
        for wrong in ("items-0.parquet", "..%2frecsys.db", "CURRENT"):
            await get(client, f"/v1/quarantine/{wrong}", 404)

    play(service, scene)


def vectors_of(workspace: Workspace, version: str) -> dict[str, np.ndarray]:
    """A version's vectors by item id."""
    manifest = load_manifest(workspace, version)
    found: dict[str, np.ndarray] = {}
    for shard in range(manifest.num_shards):
        items, stored, _ = open_shard(workspace, manifest, shard)
        rows = stored[np.arange(items.num_rows)]
        found.update(zip(items.column("item_id").to_pylist(), rows, strict=True))
    return found


def test_the_map_is_what_was_drawn_and_absent_before(service: ShopService, small_shop: SmallShop) -> None:
    tops = {row["item_id"]: row["category"].split("/")[0] for row in small_shop.shop.items.to_pylist()}

    async def scene(client: httpx.AsyncClient) -> None:
        assert "recsys map" in (await get(client, "/v1/index/map", 404))["message"]
        report = run_map(RuntimeConfig(workspace=small_shop.workspace.root), None)
        pages = [await get(client, "/v1/index/map", offset=offset, limit=150) for offset in (0, 150)]
        item_ids = [item_id for page in pages for item_id in page["item_id"]]
        assert item_ids == sorted(tops)
        assert report["points"] == pages[0]["points"] == pages[0]["items"] == 200
        named = [page["categories"][number] for page in pages for number in page["category"]]
        assert named == [tops[item_id] for item_id in item_ids]
        version = (await get(client, "/v1/index"))["index_version"]
        vectors = vectors_of(small_shop.workspace, version)
        places = [(x, y) for page in pages for x, y in zip(page["x"], page["y"], strict=True)]
        measured = agreement(np.array(places), np.stack([vectors[item_id] for item_id in item_ids]))
        assert pages[0]["agreement"] == report["agreement"] == pytest.approx(measured, abs=0.01)
        assert measured > 5 * NEIGHBOURS / 199  # chance
        assert (await get(client, "/v1/index/versions"))["versions"][0]["has_map"]
        (small_shop.workspace.index_version(version) / FILE).write_bytes(b"broken")
        await get(client, "/v1/index/map", 503)

    play(service, scene)


def test_quality_is_read_from_gates_runs_and_evaluations(service: ShopService, small_shop: SmallShop) -> None:
    report = small_shop.workspace.reports / "evaluation-20260101T000000"
    report.mkdir(parents=True)
    method: dict[str, Any] = {
        "name": "ours",
        "params": {},
        "num_trials": 1,
        "validation": 0.1,
        "metrics": {},
        "ndcg": {"mean": 0.2, "low": 0.1, "high": 0.3},
        "fit_s": 1.0,
        "users_per_s": 1.0,
    }
    other = {**method, "name": "popular", "difference": {"mean": 0.1, "low": 0.0, "high": 0.2}}
    table = {"title": "New items", "mask_seen": True, "num_users": 3, "num_without_target": 0}
    (report / "evaluation.json").write_text(
        json.dumps(
            {
                "label": "l",
                "split": "temporal",
                "holdout_days": 1.0,
                "num_items": 1,
                "num_users": 1,
                "num_events": 1,
                "num_train_events": 1,
                "seed": 0,
                "command": "c",
                "seconds": 1.0,
                "created_at": "2026-01-01T00:00:00+00:00",
                "tables": [{**table, "methods": [method, other]}],
            }
        )
    )
    (small_shop.workspace.reports / "evaluation-20260102T000000").mkdir()
    (small_shop.workspace.reports / "evaluation-20260102T000000" / "evaluation.json").write_text("{}")
    runs = LoopStore(open_database(small_shop.workspace.database_url)).runs
    result = {"index_version": "gone", "validation": {"discover ndcg@10": 0.25, "again ndcg@10": None}}
    run = Run("r1", Kind.FIT, Trigger.DRY_RUN, RunState.SUCCEEDED, 1, 1, result=result, ended_at_us=10**15)
    runs.add(run, None)

    async def scene(client: httpx.AsyncClient) -> None:
        found = await get(client, "/v1/quality")
        assert [(one["series"], one["value"], one["low"], one["of"]) for one in found["points"]] == [
            ("NDCG@10 at the gate, new items", 0.25, None, "gone"),
            ("NDCG@10, New items", 0.2, 0.1, "evaluation-20260101T000000"),
        ]
        assert found["reports"] == ["evaluation-20260101T000000"]

    play(service, scene)


def test_settings_of_a_scenario_are_tried_before_they_are_kept(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        request = {"user_id": user, "scenario": "home", "n": 6}
        body = {"request": request, "rules": [], "settings": {"n": 6, "sources": ["new"]}}
        tried = await post(client, "/v1/rules:preview", body)
        assert tried["entered"]
        assert {source for item in tried["after"]["items"] for source in item["sources"]} == {"new"}
        assert ids(tried["before"]) == ids(await post(client, "/v1/recommend", request))
        wrong = await client.post("/v1/rules:preview", json={**body, "settings": {"n": 0}})
        assert wrong.status_code == 422

    play(service, scene)


def test_a_run_tells_how_far_it_is(service: ShopService, small_shop: SmallShop) -> None:
    runs = LoopStore(open_database(small_shop.workspace.database_url)).runs
    runs.add(Run("r1", Kind.FINE_TUNE, Trigger.DRY_RUN, RunState.RUNNING, 1, 1), None)
    log = small_shop.workspace.root / "loop" / "r1.log"
    log.parent.mkdir()

    async def scene(client: httpx.AsyncClient) -> None:
        job = await get(client, "/v1/jobs/r1")
        assert (job["steps"], job["steps_begun"]) == (4, None)
        log.write_text("$ recsys train --json\nloss 1 $ recsys\n$ recsys embed\n")
        assert (await get(client, "/v1/jobs/r1"))["steps_begun"] == 2

    play(service, scene)
