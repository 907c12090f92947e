"""Shelves of a film site over HTTP: continue watching, because you watched X, both on one page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from recsys.config import ServeConfig
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline
from tests.serve.test_api import ids, play, post

Scene = Callable[[httpx.AsyncClient], Awaitable[None]]
SEEN, BEGUN, LATER, LET_GO, PLAIN = (f"item-000{number}" for number in (10, 20, 30, 40, 50))
NO_POPULARITY = {"sources": ["personal"], "weights": {"popularity": 0.0}}


@pytest.fixture
def available(small_shop: SmallShop) -> set[str]:
    rows = small_shop.shop.items.to_pylist()
    return {row["item_id"] for row in rows if row["available"]}


async def watch(client: httpx.AsyncClient, user: str, *steps: tuple[str, float | None, float]) -> None:
    """Views of items, each with a share and the hours since."""
    now = datetime.now(UTC)
    events = [
        {
            "user_id": user,
            "item_id": item_id,
            "event_type": "view",
            "value": share,
            "occurred_at": (now - timedelta(hours=hours)).isoformat(),
        }
        for item_id, share, hours in steps
    ]
    await post(client, "/v1/events:batch", {"events": events})


def test_what_is_begun_goes_on_and_what_is_seen_leads_to_its_like(
    service: ShopService, available: set[str]
) -> None:
    assert {SEEN, BEGUN, LATER, LET_GO, PLAIN} <= available

    async def scene(client: httpx.AsyncClient) -> None:
        await watch(client, "me", (PLAIN, None, 90), (SEEN, 0.97, 70), (BEGUN, 0.4, 60), (LATER, 0.12, 5))
        shelves = {
            "user_id": "me",
            "lists": [{"name": one, "scenario": one, "n": 6} for one in ("continue", "because", "home")],
        }
        lists = (await post(client, "/v1/lists", shelves))["lists"]
        assert ids(lists["continue"]) == [LATER, BEGUN]
        assert lists["continue"]["degraded"] == []
        first = lists["continue"]["items"][0]
        assert (first["sources"], first["score"] > lists["continue"]["items"][1]["score"]) == (
            ["continue"],
            True,
        )
        assert [one["reasons"] for one in lists["continue"]["items"]] == [
            [reason("continue", f"Watched to {share}", item)]
            for item, share in ((LATER, "12%"), (BEGUN, "40%"))
        ]
        because = lists["because"]
        assert len(ids(because)) == 6
        assert not {SEEN, BEGUN, LATER, PLAIN} & set(ids(because))
        for one in because["items"]:
            assert one["sources"] == ["because"]
            assert (one["reasons"][0]["kind"], one["reasons"][0]["item_id"]) == ("watched", SEEN)
            assert one["reasons"][0]["text"].startswith("Because you watched ")
        everything = [item for answer in lists.values() for item in ids(answer)]
        assert len(set(everything)) == len(everything)

    play(service, scene)


def reason(kind: str, text: str, item_id: str) -> dict[str, Any]:
    return {
        "kind": kind, "text": text, "item_id": item_id, "share": None, "contribution": None, "shared": [],
    }  # fmt: skip


def test_because_is_the_list_of_somebody_who_did_nothing_else(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        await client.put("/v1/scenarios/plain", json=NO_POPULARITY)
        await client.put("/v1/scenarios/because", json={**NO_POPULARITY, "sources": ["because"]})
        await watch(client, "me", (PLAIN, None, 50), (SEEN, 1.0, 40), (BEGUN, 0.5, 30))
        await watch(client, "once", (SEEN, 1.0, 40))
        await watch(client, "other", (PLAIN, None, 50))
        body = {"user_id": "me", "scenario": "because", "n": 8}
        mine = await post(client, "/v1/recommend", body)
        hidden = {"exclude": [PLAIN, BEGUN], "scenario": "plain", "n": 8}
        theirs = await post(client, "/v1/recommend", {**hidden, "user_id": "once"})
        assert ids(mine) == ids(theirs)
        assert [one["score"] for one in mine["items"]] == pytest.approx(
            [one["score"] for one in theirs["items"]], abs=1e-6
        )
        # Words may say more for an item than the film does; the shelf is called after the film.
        words = await post(client, "/v1/recommend", {**body, "text": "steel garden hose", "n": 40})
        assert {one["reasons"][0]["item_id"] for one in words["items"]} == {SEEN}
        assert {one["kind"] for item in words["items"] for one in item["reasons"]} == {"watched", "query"}
        # A shelf around another thing of the same shopper, or around one that is none of theirs.
        named = await post(client, "/v1/recommend", {**body, "item_id": PLAIN})
        alone = {**hidden, "exclude": [SEEN, BEGUN], "user_id": "other"}
        assert ids(named) == ids(await post(client, "/v1/recommend", alone))
        assert {one["reasons"][0]["text"].partition(" ")[0] for one in named["items"]} == {"Because"}
        strange = await post(client, "/v1/recommend", {**body, "item_id": LET_GO})
        assert {tuple(one["sources"]) for one in strange["items"]} == {("context",)}
        assert LET_GO not in ids(strange)

    play(service, scene)


def test_shelves_follow_what_happens_and_are_empty_where_there_is_nothing(
    service: ShopService, small_shop: SmallShop
) -> None:
    async def shelf(client: httpx.AsyncClient, name: str, **more: Any) -> dict[str, Any]:
        return await post(client, "/v1/recommend", {"user_id": "me", "scenario": name, **more})

    async def scene(client: httpx.AsyncClient) -> None:
        assert (await shelf(client, "continue"))["items"] == []
        assert (await shelf(client, "because"))["items"] == []
        await watch(client, "me", (LET_GO, 0.3, 9), (BEGUN, 0.3, 8))
        assert ids(await shelf(client, "continue")) == [BEGUN, LET_GO]
        assert (await shelf(client, "because"))["items"] == []  # in the middle of both
        gone = {"user_id": "me", "item_id": LET_GO, "event_type": "dismiss"}
        await post(client, "/v1/events:batch", {"events": [gone]})
        assert ids(await shelf(client, "continue")) == [BEGUN]
        assert ids(await shelf(client, "continue", exclude=[BEGUN])) == []
        assert ids(await shelf(client, "continue", item_id=BEGUN)) == []
        await watch(client, "me", (BEGUN, 0.95, 7))
        assert (await shelf(client, "continue"))["items"] == []
        found = await shelf(client, "because")
        assert {one["reasons"][0]["item_id"] for one in found["items"]} == {BEGUN}
        # A block takes a film off both shelves: off the one, and out of the other's reasons.
        await watch(client, "me", (LATER, 0.5, 6))
        await client.put("/v1/blocks/recalled", json={"item_ids": [LATER, BEGUN]})
        await service.controls.refresh()
        assert (await shelf(client, "continue"))["items"] == []
        assert (await shelf(client, "because"))["items"] == []

    play(service, scene)


def test_a_start_page_gives_what_is_begun_at_most_its_share(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        settings = {"sources": ["personal", "continue", "popular"], "continue_share": 0.2}
        assert (await client.put("/v1/scenarios/start", json=settings)).status_code == 200
        refused = {"sources": ["personal", "because"]}
        assert (await client.put("/v1/scenarios/both", json=refused)).status_code == 422
        steps = [(f"item-{number:05}", 0.5, float(number)) for number in range(60, 80)]
        await watch(client, "me", (SEEN, 1.0, 100), *steps)
        answer = await post(client, "/v1/recommend", {"user_id": "me", "scenario": "start", "n": 10})
        begun = [one["item_id"] for one in answer["items"] if one["sources"] == ["continue"]]
        assert (len(ids(answer)), len(begun)) == (10, 2)
        assert begun == sorted(begun)
        account = await post(
            client, "/v1/explain", {"request": {"user_id": "me", "scenario": "because"}, "item_id": SEEN}
        )
        assert account["settings"]["finished"] == 0.9

    play(service, scene)


def test_offline_shelves_are_those_of_the_service(small_shop: SmallShop, config: ServeConfig) -> None:
    from serve_app.offline import Recommender

    async def scene(client: httpx.AsyncClient) -> None:
        await watch(client, "me", (SEEN, 1.0, 70), (BEGUN, 0.4, 60))
        for name in ("continue", "because"):
            answer = await post(client, "/v1/recommend", {"user_id": "me", "scenario": name, "n": 5})
            served[name] = [(one["item_id"], one["reasons"][0]["text"]) for one in answer["items"]]

    served: dict[str, list[tuple[str, str]]] = {}
    play(assemble_inline(small_shop, config), scene)
    with Recommender.from_workspace(small_shop.workspace.root) as shop:
        for name, wanted in served.items():
            table = shop.recommend("me", scenario=name, k=5)
            assert (
                list(zip(*(table.column(c).to_pylist() for c in ("item_id", "reason")), strict=True))
                == wanted
            )
