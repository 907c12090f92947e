"""Requests made for Gorse and for Amazon Personalize, by their own clients' ways, against this service."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cluster.database import open_database
from cluster.key_store import KeyStore
from recsys.access import Scope
from recsys.config import Interface, ServeConfig
from serve_app.api import create_api
from serve_app.key_watch import KeyWatch
from serve_app.route_scopes import COMPAT_SCOPES
from serve_app.service import ShopService
from tests.chaos.canary import listening
from tests.hostile import hostile_names
from tests.serve.conftest import SmallShop, assemble_inline, make_small_shop
from tests.serve.test_api import active_user, ids, play, post
from tests.serve.test_hostile_requests import calls

BOTH = (Interface.GORSE, Interface.PERSONALIZE)
CAMPAIGN = "arn:aws:personalize:eu-central-1:123456789012:campaign/{}"
FILTER = "arn:aws:personalize:eu-central-1:123456789012:filter/{}"


@pytest.fixture(scope="module")
def small_shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> SmallShop:
    """One for all: what one test writes is of people and names that no other asks for."""
    return make_small_shop(tmp_path_factory.mktemp("compat"), tiny_bert, None)


def made(small: SmallShop, config: ServeConfig, **settings_: Any) -> ShopService:
    return assemble_inline(small, config.model_copy(update={"compat": BOTH, **settings_}))


def categories_of(small: SmallShop) -> dict[str, str]:
    return {row["item_id"]: row["category"] for row in small.shop.items.to_pylist()}


class Sdk:
    """The AWS SDK whose requests go into the application instead of over a socket."""

    def __init__(self, client: httpx.AsyncClient, key: str = "anything") -> None:
        self._client, self._loop = client, asyncio.get_running_loop()
        session = boto3.Session(key, "no secret", region_name="eu-central-1")
        self.runtime, self.events = (
            session.client(f"personalize-{name}", endpoint_url="http://shop")
            for name in ("runtime", "events")
        )
        for one in (self.runtime, self.events):
            one.meta.events.register("before-send.*.*", self._send)

    async def call(self, client: Any, operation: str, **fields: Any) -> dict[str, Any]:
        found: dict[str, Any] = await asyncio.to_thread(getattr(client, operation), **fields)
        return found

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        headers = {str(k): v.decode() if isinstance(v, bytes) else str(v) for k, v in request.headers.items()}
        sent = self._client.request(request.method, request.url, content=request.body, headers=headers)
        answer = asyncio.run_coroutine_threadsafe(sent, self._loop).result(timeout=60)
        found = AWSResponse(request.url, answer.status_code, answer.headers, None)
        found._content = answer.content
        return found


def test_gorse_requests_are_answered_with_the_lists_of_this_service(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    user, category_of = active_user(small_shop), categories_of(small_shop)
    path = next(category for category in category_of.values() if "/" in category)
    top = path.split("/")[0]

    async def scene(client: httpx.AsyncClient) -> None:
        own = await post(client, "/v1/recommend", {"user_id": user, "n": 10, "explain": False})
        found = (await client.get(f"/api/recommend/{user}?n=10")).json()
        assert found == ids(own)
        assert (await client.get(f"/api/recommend/{user}?n=3&offset=2")).json() == found[2:5]
        assert (await client.get(f"/api/recommend/{user}?n=0")).json() == []
        scored = (await client.get(f"/api/recommend/{user}?n=10", headers={"X-API-Version": "2"})).json()
        assert scored == [{"Id": one["item_id"], "Score": one["score"]} for one in own["items"]]
        inside = (await client.get(f"/api/recommend/{user}/{top}?n=5")).json()
        assert inside
        assert {category_of[item].split("/")[0] for item in inside} == {top}
        deep = (await client.get(f"/api/recommend/{user}", params={"category": path, "n": 5})).json()
        assert deep
        assert all(f"{category_of[item]}/".startswith(f"{path}/") for item in deep)

        similar = await post(client, "/v1/similar", {"item_id": found[0], "n": 4})
        expected = [{"Id": one["item_id"], "Score": one["score"]} for one in similar["items"]]
        for at in (
            f"item/{found[0]}/neighbors",
            f"item/{found[0]}/neighbors/",
            f"item-to-item/any/{found[0]}",
        ):
            assert (await client.get(f"/api/{at}?n=4")).json() == expected
        assert (await client.get("/api/item/no-such-item/neighbors")).json() == []
        refused = await client.get(f"/api/recommend/{user}?write-back-type=read")
        assert (refused.status_code, refused.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert "POST /api/feedback" in refused.text

    play(made(small_shop, config), scene)


def test_gorse_lists_for_everybody_leave_out_what_a_user_had(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    user, category_of = active_user(small_shop), categories_of(small_shop)
    rows = small_shop.shop.events.to_pylist()
    seen = {row["item_id"] for row in rows if row["user_id"] == user and row["event_type"] != "impression"}
    available = [row for row in small_shop.shop.items.to_pylist() if row["available"]]
    newest = min(available, key=lambda row: (-row["created_at"].timestamp(), row["item_id"]))

    async def scene(client: httpx.AsyncClient) -> None:
        popular = (await client.get("/api/popular?n=200")).json()
        assert [one["Score"] for one in popular] == sorted((one["Score"] for one in popular), reverse=True)
        assert popular == (await client.get("/api/non-personalized/most_starred?n=200")).json()
        left = (await client.get(f"/api/popular?n=200&user-id={user}")).json()
        assert {one["Id"] for one in popular} & seen
        assert [one for one in popular if one["Id"] not in seen] == left
        latest = (await client.get("/api/latest?n=5")).json()
        assert latest[0]["Id"] == newest["item_id"]
        assert latest == (await client.get("/api/non-personalized/latest?n=5")).json()
        top = category_of[latest[0]["Id"]].split("/")[0]
        for name in ("latest", "popular"):
            found = (await client.get(f"/api/{name}/{top}?n=5")).json()
            assert {category_of[one["Id"]].split("/")[0] for one in found} == {top}
        near = (await client.get(f"/api/item/{newest['item_id']}/neighbors?n=50&user-id={user}")).json()
        assert near
        assert not {one["Id"] for one in near} & seen

    play(made(small_shop, config), scene)


def test_gorse_feedback_is_an_event_by_post_and_by_put(small_shop: SmallShop, config: ServeConfig) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        first, second = [one["Id"] for one in (await client.get("/api/popular?n=2")).json()]
        rows = [
            {"FeedbackType": "star", "UserId": "bob", "ItemId": first, "Timestamp": "2026-02-24"},
            {"FeedbackType": "fork", "UserId": "bob", "ItemId": second, "Value": 0},
        ]
        for method in ("POST", "PUT"):
            answer = await client.request(method, "/api/feedback", json=rows)
            assert (answer.status_code, answer.json()) == (200, {"RowAffected": 2})
        stored = small_shop.events.events_of("user:bob", 100)
        assert {(one.event_type, one.item_id) for one in stored} == {("like", first), ("click", second)}
        assert first not in (await client.get("/api/recommend/bob")).json()
        unknown = await client.post("/api/feedback", json=[rows[0] | {"FeedbackType": "blink"}])
        assert unknown.status_code == 400
        assert "blink" in unknown.text

    play(made(small_shop, config, event_types={"fork": "click"}), scene)


def test_the_aws_sdk_gets_recommendations_rankings_and_errors(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    user, category_of = active_user(small_shop), categories_of(small_shop)
    top = next(iter(category_of.values())).split("/")[0]

    async def scene(client: httpx.AsyncClient) -> None:
        sdk = Sdk(client)
        only = {"filter": {"field": "category", "op": "under", "value": top}}
        assert (await client.put("/v1/scenarios/only-top", json=only)).status_code == 200
        own = await post(client, "/v1/recommend", {"user_id": user, "n": 25})
        asked = {"campaignArn": CAMPAIGN.format("mine"), "userId": user}
        answer = await sdk.call(sdk.runtime, "get_recommendations", **asked)
        assert [one["itemId"] for one in answer["itemList"]] == ids(own)
        assert [one["score"] for one in answer["itemList"]] == [one["score"] for one in own["items"]]
        assert len(answer["recommendationId"]) <= 40
        around = await sdk.call(
            sdk.runtime,
            "get_recommendations",
            recommenderArn=CAMPAIGN.format("x"),
            itemId=ids(own)[0],
            numResults=3,
        )
        similar = await post(client, "/v1/similar", {"item_id": ids(own)[0], "n": 3})
        assert [one["itemId"] for one in around["itemList"]] == ids(similar)
        inside = await sdk.call(
            sdk.runtime, "get_recommendations", filterArn=FILTER.format("only-top"), numResults=5, **asked
        )
        assert {category_of[one["itemId"]].split("/")[0] for one in inside["itemList"]} == {top}
        of_campaign = await sdk.call(
            sdk.runtime, "get_recommendations", campaignArn=CAMPAIGN.format("only-top"), userId=user
        )
        assert {category_of[one["itemId"]].split("/")[0] for one in of_campaign["itemList"]} == {top}

        wanted = [*ids(own)[:6][::-1], "no-such-item"]
        ranking = await sdk.call(sdk.runtime, "get_personalized_ranking", inputList=wanted, **asked)
        ranked = await post(client, "/v1/rank", {"user_id": user, "item_ids": wanted})
        assert [one["itemId"] for one in ranking["personalizedRanking"]] == ids(ranked)
        assert set(ids(ranked)) == set(wanted[:-1])

        for code, fields in (
            ("InvalidInputException", {"campaignArn": CAMPAIGN.format("x")}),
            ("InvalidInputException", asked | {"numResults": 501}),
            ("InvalidInputException", asked | {"filterValues": {"GENRE": '"a"'}}),
            ("ResourceNotFoundException", asked | {"filterArn": FILTER.format("none")}),
            ("ResourceNotFoundException", {"campaignArn": CAMPAIGN.format("x"), "itemId": "no-such-item"}),
        ):
            with pytest.raises(ClientError) as refused:
                await sdk.call(sdk.runtime, "get_recommendations", **fields)
            assert refused.value.response["Error"]["Code"] == code, refused.value
            assert refused.value.response["Error"]["Message"]

    play(made(small_shop, config), scene)


def test_the_aws_sdk_puts_events_that_join_the_session_and_the_user(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        sdk = Sdk(client)
        popular = [one["Id"] for one in (await client.get("/api/popular?n=6")).json()]
        common = {"trackingId": "t", "sessionId": "session-1"}
        event = {"eventType": "View", "sentAt": 1772400000, "itemId": popular[0], "eventId": "e1"}
        shown = event | {
            "eventType": "Click",
            "eventId": "e2",
            "impression": popular[1:3],
            "recommendationId": "r1",
        }
        for _ in range(2):  # sent again, they count once
            await sdk.call(sdk.events, "put_events", eventList=[event, shown], **common)
        older = {
            "eventType": "Purchase",
            "sentAt": 1772400060,
            "properties": json.dumps({"itemId": popular[3]}),
        }
        await sdk.call(sdk.events, "put_events", eventList=[older], userId="carla", **common)
        profile = (await client.get("/v1/users/carla/profile")).json()
        assert {one["item_id"] for one in profile["interests"]} == {popular[0], popular[3]}
        assert profile["num_events"] == 5, "two, two impressions, one purchase"
        bad = {"eventType": "blink", "sentAt": 1772400000, "itemId": popular[0]}
        with pytest.raises(ClientError) as refused:
            await sdk.call(sdk.events, "put_events", eventList=[bad], **common)
        assert refused.value.response["Error"]["Code"] == "InvalidInputException"

    play(made(small_shop, config), scene)


def test_keys_and_scopes_stand_before_every_compatible_route(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    service = made(small_shop, config, keys=True)
    store = KeyStore(open_database(small_shop.workspace.database_url))
    service.keys = KeyWatch(store, 0.05)
    keys = {scope: store.create("tester", [scope]).text for scope in Scope}

    async def scene(client: httpx.AsyncClient) -> None:
        paths = (await client.get("/openapi.json")).json()["paths"]
        described = {(method.upper(), path) for path, one in paths.items() for method in one}
        assert set(COMPAT_SCOPES) <= described
        for (method, template), scope in COMPAT_SCOPES.items():
            path = template.replace("{", "no-").replace("}", "")
            assert paths[template][method.lower()]["security"][1] == {"header": [str(scope)]}
            without = await client.request(method, path, content=b"{broken")
            assert without.status_code == (401 if path.startswith("/api/") else 403)
            for mine, key in keys.items():
                answer = await client.request(method, path, headers={"X-API-Key": key})
                assert (answer.status_code == 403) == (mine is not scope), (method, path, mine)
        # As an access key's id the key opens these routes, and no others.
        signed = Sdk(client, keys[Scope.RECOMMEND])
        asked = {"campaignArn": CAMPAIGN.format("x"), "userId": active_user(small_shop)}
        assert (await signed.call(signed.runtime, "get_recommendations", **asked))["itemList"]
        for key, code in (
            ("rk_000000000000_x", "UnrecognizedClientException"),
            (keys[Scope.METRICS], "AccessDeniedException"),
        ):
            sdk = Sdk(client, key)
            with pytest.raises(ClientError) as refused:
                await sdk.call(sdk.runtime, "get_recommendations", **asked)
            assert refused.value.response["Error"]["Code"] == code
        aws = f"AWS4-HMAC-SHA256 Credential={keys[Scope.RECOMMEND]}/20260301/x/personalize/aws4_request"
        for path in ("/v1/recommend", "/api/popular"):
            answer = await client.request("POST", path, headers={"Authorization": aws})
            assert answer.status_code == 401

    play(service, scene)


def test_nothing_of_it_is_there_unless_asked_for(small_shop: SmallShop, config: ServeConfig) -> None:
    paths = create_api(assemble_inline(small_shop, config)).openapi()["paths"]
    assert not {path for _, path in COMPAT_SCOPES} & set(paths)
    gorse = create_api(assemble_inline(small_shop, config.model_copy(update={"compat": BOTH[:1]})))
    assert {path for path in gorse.openapi()["paths"] if not path.startswith(("/v1", "/api"))} == {
        "/healthz", "/readyz", "/metrics",
    }  # fmt: skip


def test_no_body_address_or_number_ends_in_a_server_error(small_shop: SmallShop, config: ServeConfig) -> None:
    service = made(small_shop, config)
    compat = {path for _, path in COMPAT_SCOPES}
    schema = create_api(service).openapi()
    schema["paths"] = {path: one for path, one in schema["paths"].items() if path in compat}
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        ),
        max_leaves=10,
    )

    async def scene(client: httpx.AsyncClient) -> None:
        with listening() as listener:
            for name in hostile_names(listener.port):
                for method, path, body in calls(schema, name):
                    answer = await client.request(method, path, json=body)
                    assert answer.status_code < 500, (method, path, answer.text)
            assert listener.connections == []
        for query in ("n=-1", "n=x", "offset=1e9", "n=99999999999", "category=", "user-id=%00", "n=5&n=6"):
            answer = await client.get(f"/api/popular?{query}")
            assert answer.status_code < 500, query
        loop = asyncio.get_running_loop()

        @given(
            body=values,
            path=st.sampled_from(["/events", "/recommendations", "/personalize-ranking", "/api/feedback"]),
        )
        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        def refuses_or_answers(body: Any, path: str) -> None:
            sent = client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
            answer = asyncio.run_coroutine_threadsafe(sent, loop).result(timeout=60)
            assert answer.status_code in (200, 400, 404), (path, body, answer.text)

        await asyncio.to_thread(refuses_or_answers)

    play(service, scene)


NAMES = (
    "campaignArn", "userId", "itemId", "numResults", "inputList", "trackingId", "sessionId", "eventList",
    "eventType", "sentAt", "properties", "impression", "FeedbackType", "UserId", "ItemId", "Timestamp",
    "Value",
)  # fmt: skip
