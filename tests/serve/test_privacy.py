"""Erasure and export over HTTP: a stranger afterwards, nothing in any answer, nothing of anybody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from cluster.answer_store import AnswerStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.serving_database import open_serving_database
from recsys.config import ServeConfig
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline, client_of

CANARY, DEVICE, WORD = "canary.q7zx@example.org", "device-q7zx", "zanzibarquux"
VIEWS = (
    "/v1/index", "/v1/loop", "/v1/jobs", "/v1/audit", "/v1/experiments", "/v1/experiments/e/results",
    "/v1/reviews", "/metrics", "/openapi.json",
)  # fmt: skip


async def seed(client: httpx.AsyncClient) -> None:
    """A visitor who becomes a user: views, a purchase, a review, impressions of a list of an experiment."""
    arms = [{"name": "A", "share": 0.5}, {"name": "B", "share": 0.5, "overrides": {"lists.diversity": 0.4}}]
    (await client.put("/v1/experiments/e", json={"arms": arms, "state": "running"})).raise_for_status()
    await asyncio.sleep(0.7)  # in force within half a second
    early = [{"visitor_id": DEVICE, "item_id": f"item-{n:05d}", "event_type": "view"} for n in (3, 5)]
    shown = await post(client, "/v1/recommend", {"visitor_id": DEVICE, "n": 3})
    late = [
        {"user_id": CANARY, "visitor_id": DEVICE, "item_id": "item-00007", "event_type": "purchase"},
        {
            "user_id": CANARY, "item_id": "item-00009", "event_type": "review", "value": 5,
            "review_text": f"the {WORD} of my dreams", "session_id": "sess-q7zx",
        },
        {
            "user_id": CANARY, "item_id": shown["items"][0]["item_id"], "event_type": "impression",
            "recommendation_id": shown["recommendation_id"], "position": 1,
        },
    ]  # fmt: skip
    await post(client, "/v1/events:batch", {"events": early + late})
    await post(client, "/v1/recommend", {"user_id": CANARY, "n": 5})


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post and require a 200."""
    answer = await client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def items(answer: dict[str, Any]) -> list[str]:
    return [item["item_id"] for item in answer["items"]]


def logged(shop: SmallShop) -> AnswerStore:
    return AnswerStore(open_serving_database(f"sqlite:///{shop.workspace.serving_database}"))


@pytest.fixture
def second(small_shop: SmallShop, config: ServeConfig) -> ShopService:
    """Another replica over the same shop."""
    return assemble_inline(small_shop, config)


def test_an_erased_person_is_a_stranger_to_every_replica_at_once(
    small_shop: SmallShop, service: ShopService, second: ShopService
) -> None:
    async def scene() -> None:
        async with client_of(service) as one, client_of(second) as other:
            await seed(one)
            stranger = items(await post(one, "/v1/recommend", {"user_id": "never-seen", "n": 5}))
            for client in (one, other):
                assert items(await post(client, "/v1/recommend", {"user_id": CANARY, "n": 5})) != stranger
            erased = await one.delete(f"/v1/users/{CANARY}")
            assert erased.status_code == 200
            assert (erased.json()["events"], erased.json()["links"]) == (5, 1)
            for client in (one, other):
                for who in ({"user_id": CANARY}, {"visitor_id": DEVICE}):
                    assert items(await post(client, "/v1/recommend", {**who, "n": 5})) == stranger
                missing = await client.get(f"/v1/users/{CANARY}/profile")
                assert (missing.status_code, missing.json()["type"]) == (404, "NotFoundError")
            for client in (one, other):
                for path in VIEWS:
                    answer = (await client.get(path)).text.lower()
                    assert "q7zx" not in answer, path
                    assert WORD not in answer, path

    asyncio.run(scene())
    assert all("q7zx" not in one.unit for one in logged(small_shop).scan())


def test_erasing_somebody_unknown_or_again_answers_200_with_zeros(service: ShopService) -> None:
    async def scene() -> None:
        async with client_of(service) as client:
            await seed(client)
            for _ in range(2):
                answer = await client.delete("/v1/users/nobody")
                assert answer.status_code == 200
                assert not any(answer.json()[name] for name in ("people", "events", "links", "answers"))
            (await client.delete(f"/v1/users/{CANARY}")).raise_for_status()
            again = (await client.delete(f"/v1/users/{CANARY}")).json()
            assert (again["events"], again["links"]) == (0, 0)
            for bad in ("x" * 257, "a%00b", "%20a"):
                assert (await client.delete(f"/v1/users/{bad}")).status_code == 422
                assert (await client.get(f"/v1/users/{bad}/export")).status_code == 422

    asyncio.run(scene())


def test_late_events_are_dropped_and_counted_and_new_ones_begin_anew(service: ShopService) -> None:
    async def scene() -> None:
        async with client_of(service) as client:
            await seed(client)
            (await client.delete(f"/v1/users/{CANARY}")).raise_for_status()
            event = {"user_id": CANARY, "item_id": "item-00011", "event_type": "view"}
            ack = await post(
                client, "/v1/events:batch", {"events": [{**event, "occurred_at": "2026-01-01T00:00:00Z"}]}
            )
            assert (ack["appended"], ack["erased"]) == (0, 1)
            ack = await post(client, "/v1/events:batch", {"events": [event]})
            assert (ack["appended"], ack["erased"]) == (1, 0)
            profile = (await client.get(f"/v1/users/{CANARY}/profile")).json()
            assert [one["item_id"] for one in profile["interests"]] == ["item-00011"]
            assert 'recsys_events_total{outcome="erased"} 1.0' in (await client.get("/metrics")).text

    asyncio.run(scene())


def test_an_export_is_exactly_that_persons_rows(small_shop: SmallShop, service: ShopService) -> None:
    async def scene() -> dict[str, Any]:
        async with client_of(service) as client:
            await seed(client)
            await asyncio.sleep(0.6)  # until the journal has written
            assert (await client.get("/v1/users/nobody/export")).status_code == 404
            answer = await client.get(f"/v1/users/{CANARY}/export")
            assert answer.status_code == 200
            found: dict[str, Any] = answer.json()
            return found

    found = asyncio.run(scene())
    keys = {f"user:{CANARY}", f"visitor:{DEVICE}"}
    store = EventStore(open_database(small_shop.workspace.database_url))
    every = [event for batch in store.scan() for event in batch]
    oracle = [event.event_id for event in every if event.user_key in keys]
    assert [row["event_id"] for row in found["events"]] == oracle
    assert found["links"] == [{"visitor_id": DEVICE}]
    shown = [one for one in logged(small_shop).scan() if one.unit in keys]
    assert [row["recommendation_id"] for row in found["answers"]] == [one.recommendation_id for one in shown]
    assert [tuple(row["item_ids"]) for row in found["answers"]] == [one.item_ids for one in shown]
    assert [(row["recommendation_id"], row["arm"]) for row in found["exposures"]] == [
        (one.recommendation_id, one.arms["e"]) for one in shown
    ]
    assert len(shown) == 2
    assert WORD in json.dumps(found)
    others = {event.user_key.partition(":")[2] for event in every} - {CANARY, DEVICE}
    assert not [other for other in others if f'"{other}"' in json.dumps(found)]
