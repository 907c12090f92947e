"""The HTTP API over a whole service in one process: answers, writes, bad input."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from recsys.config import ServeConfig
from recsys.errors import StoreError
from recsys.profile import UserProfile
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline, client_of

Scene = Callable[[httpx.AsyncClient], Awaitable[None]]


def play(service: ShopService, scene: Scene) -> None:
    """Run a scene against a started service."""

    async def run() -> None:
        async with client_of(service) as client:
            await scene(client)

    asyncio.run(run())


async def post(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int = 200
) -> dict[str, Any]:
    """Post, require the status, and give the body."""
    answer = await client.post(path, json=body)
    assert answer.status_code == status, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


def active_user(small: SmallShop) -> str:
    """A shopper with a history worth the name."""
    return small.events.typical_users(1)[0].removeprefix("user:")


def ids(answer: dict[str, Any]) -> list[str]:
    """Item ids of an answer in order."""
    return [item["item_id"] for item in answer["items"]]


def test_a_known_shopper_gets_unseen_available_items_with_own_reasons(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)
    rows = small_shop.shop.events.to_pylist()
    seen = {row["item_id"] for row in rows if row["user_id"] == user and row["event_type"] != "impression"}
    hidden = {row["item_id"] for row in small_shop.shop.items.to_pylist() if not row["available"]}

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        assert len(ids(answer)) == len(set(ids(answer))) == 10
        assert not set(ids(answer)) & (seen | hidden)
        assert answer["degraded"] == []
        assert answer["coverage"] == {"ratio": 1.0, "shards_ok": 2, "shards_total": 2, "items": 200}
        scores = [item["score"] for item in answer["items"]]
        assert scores == sorted(scores, reverse=True)
        for item in answer["items"]:
            assert item["sources"] == ["personal"]
            assert all(reason["item_id"] in seen for reason in item["reasons"])
            assert all(0 <= reason["share"] <= 1 for reason in item["reasons"])

    play(service, scene)


def test_the_answer_is_the_brute_force_ranking_of_the_user_vector(
    service: ShopService, small_shop: SmallShop
) -> None:
    from recsys.profile import user_vector
    from recsys.text import item_texts

    user = active_user(small_shop)
    table = small_shop.shop.items
    texts = item_texts(table).column("text").to_pylist()
    vectors = dict(zip(table.column("item_id").to_pylist(), small_shop.encoder.encode(texts), strict=True))
    available = dict(
        zip(table.column("item_id").to_pylist(), table.column("available").to_pylist(), strict=True)
    )

    async def scene(client: httpx.AsyncClient) -> None:
        profile = await service.profiles.profile(f"user:{user}", int(datetime.now(UTC).timestamp() * 1e6))
        texts_ = profile.review_texts
        reviews = dict(zip(texts_, small_shop.encoder.encode(list(texts_)), strict=True))
        query = user_vector(profile, vectors, reviews).vector
        allowed = [i for i in vectors if available[i] and i not in profile.seen]
        expected = sorted(allowed, key=lambda i: (-float(vectors[i] @ query), i))[:10]
        answer = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        found = {item["item_id"]: item["score"] for item in answer["items"]}
        assert list(found) == expected
        assert all(abs(found[i] - float(vectors[i] @ query)) < 1e-5 for i in expected)

    play(service, scene)


def test_an_event_changes_the_next_answer_and_counts_once(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        before = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        event = {"event_id": "e1", "user_id": user, "item_id": ids(before)[0], "event_type": "purchase"}
        first = await post(client, "/v1/events:batch", {"events": [event, event]})
        again = await post(client, "/v1/events:batch", {"events": [event]})
        assert (first["appended"], first["duplicates"]) == (1, 1)
        assert (again["appended"], again["duplicates"]) == (0, 1)
        after = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        assert ids(before)[0] not in ids(after)
        assert [i["score"] for i in after["items"]] != [i["score"] for i in before["items"]]

    play(service, scene)


def test_a_new_visitor_gets_labelled_popular_items_then_a_taste_after_two_events(
    service: ShopService, small_shop: SmallShop
) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        cold = await post(client, "/v1/recommend", {"visitor_id": "nobody-yet", "n": 5})
        assert cold["degraded"] == ["fallback"]
        assert {item["sources"][0] for item in cold["items"]} == {"popular"}
        assert all(item["reasons"][0]["kind"] == "popular" for item in cold["items"])
        events = [
            {"visitor_id": "nobody-yet", "item_id": item_id, "event_type": "click"}
            for item_id in ids(cold)[:2]
        ]
        await post(client, "/v1/events:batch", {"events": events})
        warm = await post(client, "/v1/recommend", {"visitor_id": "nobody-yet", "n": 5})
        assert warm["degraded"] == []
        assert {item["sources"][0] for item in warm["items"]} == {"personal"}

    play(service, scene)


def test_an_upserted_item_is_found_at_once_and_a_deleted_one_never_again(
    service: ShopService, small_shop: SmallShop
) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        item = {
            "item_id": "new-1",
            "title": "Quantum zither polish",
            "category": "Music/Accessories",
            "price": "9,90 €",
        }
        ack = await post(client, "/v1/items:batch", {"items": [item, {"item_id": "bad", "title": None}]})
        assert ack["inserted"] == 1
        assert [(row["row"], row["reason"]) for row in ack["rejected"]] == [(1, "missing_title")]
        similar = await post(client, "/v1/similar", {"item_id": "new-1", "n": 3})
        assert len(ids(similar)) == 3
        text = "Quantum zither polish. Music, Accessories"
        cheap = {
            "all": [
                {"field": "item_id", "op": "==", "value": "new-1"},
                {"field": "price_minor", "op": "<", "value": 1000},
            ]
        }
        assert ids(await post(client, "/v1/search", {"text": text, "n": 1, "filter": cheap})) == ["new-1"]
        target = ids(similar)[0]
        assert (await client.delete("/v1/items/new-1")).status_code == 200
        assert (await client.delete(f"/v1/items/{target}")).status_code == 200
        assert (await client.delete(f"/v1/items/{target}")).status_code == 404
        everything = await post(client, "/v1/search", {"text": text, "n": 500})
        assert not {"new-1", target} & set(ids(everything))
        await post(client, "/v1/similar", {"item_id": "new-1"}, status=404)
        index = (await client.get("/v1/index")).json()
        assert (index["live_items"], index["live_removed"]) == (0, 2)

    play(service, scene)


def test_a_hidden_item_is_not_returned_and_comes_back_when_available(
    service: ShopService, small_shop: SmallShop
) -> None:
    row = next(row for row in small_shop.shop.items.to_pylist() if row["available"])
    body = {"item_id": row["item_id"], "title": row["title"]}

    async def scene(client: httpx.AsyncClient) -> None:
        await post(client, "/v1/items:batch", {"items": [{**body, "available": False}]})
        assert row["item_id"] not in ids(await post(client, "/v1/search", {"text": row["title"], "n": 500}))
        await post(client, "/v1/items:batch", {"items": [{**body, "available": True}]})
        assert row["item_id"] in ids(await post(client, "/v1/search", {"text": row["title"], "n": 500}))

    play(service, scene)


def test_a_newly_published_version_is_adopted_and_folds_the_live_items_in(
    service: ShopService, small_shop: SmallShop
) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        await post(client, "/v1/items:batch", {"items": [{"item_id": "new-1", "title": "A late arrival"}]})
        old = (await client.get("/v1/index")).json()
        version = small_shop.index()
        for _ in range(200):
            index = (await client.get("/v1/index")).json()
            if index["index_version"] == version:
                break
            await asyncio.sleep(0.05)
        assert (old["live_items"], index["live_items"]) == (1, 0)
        assert index["item_count"] == old["item_count"] + 1
        answer = await post(client, "/v1/similar", {"item_id": "new-1", "n": 3})
        assert answer["index_version"] == version

    play(service, scene)


def test_context_item_and_text_steer_the_list_and_are_named_as_reasons(
    service: ShopService, small_shop: SmallShop
) -> None:
    item_id = small_shop.shop.items.column("item_id")[7].as_py()

    async def scene(client: httpx.AsyncClient) -> None:
        by_item = await post(client, "/v1/recommend", {"item_id": item_id, "n": 4})
        similar = await post(client, "/v1/similar", {"item_id": item_id, "n": 4})
        assert ids(by_item) == ids(similar)
        assert {reason["kind"] for item in by_item["items"] for reason in item["reasons"]} == {"context"}
        by_text = await post(client, "/v1/recommend", {"text": "steel kettle", "n": 4})
        assert ids(by_text) == ids(await post(client, "/v1/search", {"text": "steel kettle", "n": 4}))
        unknown = await post(client, "/v1/recommend", {"item_id": "no-such-item", "n": 4})
        assert unknown["degraded"] == ["fallback", "unknown_item"]

    play(service, scene)


def test_a_profile_names_what_is_believed_and_404s_for_strangers(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        known = (await client.get(f"/v1/users/{user}/profile")).json()
        assert known["num_events"] > 0
        assert all(interest["title"] for interest in known["interests"])
        stranger = await client.get("/v1/users/stranger/profile")
        assert stranger.status_code == 404
        assert stranger.json()["type"] == "NotFoundError"

    play(service, scene)


def test_the_profile_of_a_visitor_is_no_users(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        view = {"visitor_id": "v-profile", "item_id": "item-00001", "event_type": "view"}
        await post(client, "/v1/events:batch", {"events": [view]})
        path, kind = "/v1/users/v-profile/profile", {"kind": "visitor"}
        known = (await client.get(path, params=kind)).json()
        assert [interest["item_id"] for interest in known["interests"]] == ["item-00001"]
        assert (known["user_id"], known["kind"], known["num_events"]) == ("v-profile", "visitor", 1)
        assert (await client.get(path)).status_code == 404
        stranger = await client.get("/v1/users/v-nobody/profile", params=kind)
        assert (stranger.status_code, stranger.json()["type"]) == (404, "NotFoundError")
        assert "v-nobody" not in stranger.text
        assert (await client.get(path, params={"kind": "session"})).status_code == 422

    play(service, scene)


def test_without_profiles_the_answer_is_labelled_not_an_error(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    class Lost:
        async def profile(self, user_key: str, now_us: int) -> UserProfile:
            raise StoreError("gone")

    service = assemble_inline(small_shop, config, Lost())

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await post(client, "/v1/recommend", {"user_id": "anyone", "n": 3})
        assert answer["degraded"] == ["fallback", "no_profile"]
        assert len(ids(answer)) == 3

    play(service, scene)


HOSTILE: list[tuple[str, dict[str, Any], int]] = [
    ("/v1/recommend", {"n": 0}, 422),
    ("/v1/recommend", {"n": -1}, 422),
    ("/v1/recommend", {"n": 10**9}, 200),
    ("/v1/recommend", {"n": "many"}, 422),
    ("/v1/recommend", {"nn": 3}, 422),
    ("/v1/recommend", {"user_id": "x" * 10_000}, 422),
    ("/v1/recommend", {"user_id": "a\x00b"}, 422),
    ("/v1/recommend", {"user_id": "../../etc"}, 200),
    ("/v1/recommend", {"user_id": "\u202egnol"}, 200),
    ("/v1/recommend", {"exclude": ["x"] * 2_000}, 422),
    ("/v1/recommend", {"filter": {"field": "price_minor", "op": "<", "value": -1}}, 200),
    ("/v1/recommend", {"filter": {"field": "nope", "op": "==", "value": 1}}, 422),
    ("/v1/recommend", {"filter": {"field": "title", "op": "<<", "value": 1}}, 422),
    ("/v1/recommend", {"filter": {"all": [{"not": {"any": []}}]}}, 200),
    ("/v1/recommend", {"filter": []}, 422),
    ("/v1/search", {"text": ""}, 422),
    ("/v1/search", {"text": "\x00\x01"}, 200),
    ("/v1/search", {"text": "a" * 2_001}, 422),
    ("/v1/similar", {"item_id": "no-such-item"}, 404),
    ("/v1/items:batch", {"items": []}, 422),
    ("/v1/items:batch", {"items": [{}]}, 422),
    ("/v1/items:batch", {"items": [{"item_id": {"a": [1]}, "title": ["x"]}]}, 422),
    ("/v1/items:batch", {"items": [{"item_id": "i", "title": "t", "price": -4}]}, 422),
    ("/v1/items:batch", {"items": [[]]}, 422),
    ("/v1/items:batch", {"items": [{"item_id": "i", "title": "t"}] * 1_001}, 422),
    ("/v1/events:batch", {"events": [{"user_id": "u", "item_id": "i", "event_type": "teleport"}]}, 422),
    ("/v1/events:batch", {"events": [{"item_id": "i", "event_type": "click"}]}, 422),
    ("/v1/events:batch", {"events": [{"user_id": "u", "item_id": "new", "event_type": "click"}]}, 200),
    ("/v1/events:batch", {"events": [{"user_id": 7, "item_id": 8, "event_type": "Page View"}]}, 200),
    ("/v1/nowhere", {}, 404),
]


def test_hostile_bodies_get_a_clear_4xx_or_a_labelled_answer(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        for path, body, status in HOSTILE:
            answer = await client.post(path, json=body)
            assert answer.status_code == status, (path, str(body)[:100], answer.text[:300])
            if status >= 400:
                assert {"type", "message", "request_id"} <= answer.json().keys()
                assert answer.headers["x-request-id"] == answer.json()["request_id"]

    play(service, scene)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"null", b"[]", b'{"n": NaN}', b'{"user_id": "\\ud800"}', b'{"\\ud800": 1}', b"\xff\xfe",
        b'{"filter": ' + b'{"not":' * 3_000 + b"{}" + b"}" * 3_001, b'{"n": 1e400}',
    ],
    ids=lambda content: str(content[:20]),
)  # fmt: skip
def test_broken_json_is_the_callers_fault(service: ShopService, content: bytes) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/recommend", content=content, headers=headers)
        assert answer.status_code in (400, 422), answer.text[:200]
        assert answer.json()["type"]

    play(service, scene)


def test_broken_rows_are_refused_one_by_one_and_good_ones_kept(service: ShopService) -> None:
    content = (
        b'{"events": [{"user_id":"u","item_id":"i","event_type":"rating","value":NaN},'
        b'{"user_id":"u","item_id":"\\ud800","event_type":"click"},'
        b'{"user_id":"u","item_id":"ok","event_type":"click"}]}'
    )

    async def scene(client: httpx.AsyncClient) -> None:
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/events:batch", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.json()["appended"] == 1
        reasons = [(row["row"], row["reason"]) for row in answer.json()["rejected"]]
        assert reasons == [(0, "bad_value"), (1, "id_bad_character")]

    play(service, scene)


def test_a_ten_megabyte_body_is_a_413(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/search", content=b'{"text": "' + b"x" * 10_000_000 + b'"}')
        assert answer.status_code == 413
        assert answer.json()["type"] == "HttpError"

    play(service, scene)


def test_metrics_count_routes_and_degradation_without_naming_people(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        await post(client, "/v1/recommend", {"user_id": "secret-person"})
        await client.get("/v1/users/secret-person/profile")
        text = (await client.get("/metrics")).text
        assert 'recsys_degraded_total{reason="fallback"} 1.0' in text
        assert 'route="/v1/users/{user_id}/profile",status="404"' in text
        assert "secret-person" not in text

    play(service, scene)


def test_openapi_carries_examples_that_work(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        schema = (await client.get("/openapi.json")).json()
        for path, item in schema["paths"].items():
            if "requestBody" not in item.get("post", {}):
                continue
            reference = item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
            examples = schema["components"]["schemas"][reference.rsplit("/", 1)[-1]]["examples"]
            for example in examples:
                answer = await client.post(path, json=example)
                # The version that an example names is not the published one here.
                wanted = (200, 404, 409) if path == "/v1/index/rollback" else (200, 404)
                assert answer.status_code in wanted, (path, answer.text)

    play(service, scene)


def test_the_api_page_needs_nothing_from_elsewhere(service: ShopService) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        page = (await client.get("/docs")).text
        assert "https://" not in page
        sources = re.findall(r'(?:src|href)="([^"]+)"', page)
        assert len(sources) >= 3
        for source in sources:
            assert (await client.get(source)).status_code == 200, source

    play(service, scene)


def test_reasons_sum_to_the_score_when_all_are_given(small_shop: SmallShop, config: ServeConfig) -> None:
    service = assemble_inline(small_shop, config.model_copy(update={"reasons_per_item": 500}))
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await post(client, "/v1/recommend", {"user_id": user, "n": 10})
        for item in answer["items"]:
            named = sum(reason["contribution"] for reason in item["reasons"])
            # Only what speaks for an item is shown; what speaks against it is the difference.
            assert named >= item["score"] - 1e-5
            assert np.isclose(sum(reason["share"] for reason in item["reasons"]), 1.0, atol=0.05)

    play(service, scene)


def test_several_lists_of_one_page_share_a_version_and_repeat_nothing(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)
    cheap = {"field": "price_minor", "op": "<=", "value": 5_000}
    lists = [{"name": "first", "n": 4}, {"name": "cheap", "n": 4, "filter": cheap}, {"name": "more", "n": 4}]

    async def scene(client: httpx.AsyncClient) -> None:
        answer = await post(client, "/v1/lists", {"user_id": user, "lists": lists})
        found = [item for name in ("first", "cheap", "more") for item in ids(answer["lists"][name])]
        assert len(found) == len(set(found)) == 12
        assert {one["index_version"] for one in answer["lists"].values()} == {answer["index_version"]}
        alone = await post(client, "/v1/recommend", {"user_id": user, "n": 4})
        assert ids(answer["lists"]["first"]) == ids(alone)
        same = {"lists": [{"name": "a"}, {"name": "a"}]}
        assert "one name" in (await post(client, "/v1/lists", same, 422))["message"]

    play(service, scene)


def test_the_callers_items_come_back_in_the_shoppers_order(
    service: ShopService, small_shop: SmallShop
) -> None:
    user = active_user(small_shop)

    async def scene(client: httpx.AsyncClient) -> None:
        best = ids(await post(client, "/v1/recommend", {"user_id": user, "n": 50, "include_seen": True}))
        asked = [best[40], "no such item", best[3], best[20], best[3]]
        answer = await post(client, "/v1/rank", {"user_id": user, "item_ids": asked})
        assert ids(answer) == [best[3], best[20], best[40]]

    play(service, scene)


def test_texts_become_the_encoders_vectors(service: ShopService, small_shop: SmallShop) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        answer = await post(client, "/v1/embed", {"texts": ["a red lamp", "tea"]})
        wanted = small_shop.encoder.encode(["a red lamp", "tea"])
        np.testing.assert_allclose(np.array(answer["embeddings"]), wanted, atol=1e-6)
        assert (answer["dim"], answer["encoder_version"]) == (wanted.shape[1], small_shop.encoder.version)
        await post(client, "/v1/embed", {"texts": []}, 422)

    play(service, scene)
