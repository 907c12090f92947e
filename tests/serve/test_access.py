"""Keys over HTTP: the whole matrix of scopes and routes, read from the API's own description."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from cluster.database import open_database
from cluster.key_store import KeyStore
from recsys.access import NewKey, RateLimit, Scope
from recsys.config import ServeConfig
from serve_app.api import create_api
from serve_app.key_watch import KeyWatch
from serve_app.route_scopes import OPEN, SCOPES
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop, assemble_inline, client_of, make_small_shop

REFRESH_S = 0.05


class Gate:
    """A service behind keys, and its store of keys."""

    def __init__(self, shop: SmallShop, config: ServeConfig) -> None:
        self.store = KeyStore(open_database(shop.workspace.database_url))
        self.config = config.model_copy(update={"keys": True, "store": True})
        self.service = assemble_inline(shop, self.config)
        self.service.keys = KeyWatch(self.store, REFRESH_S)

    def key(self, *scopes: Scope, **more: Any) -> NewKey:
        return self.store.create("tester", scopes, **more)

    def play(self, scene: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
        async def run() -> None:
            async with client_of(self.service) as client:
                await scene(client)

        asyncio.run(run())


@pytest.fixture
def gate(small_shop: SmallShop, config: ServeConfig) -> Gate:
    return Gate(small_shop, config)


def bearer(key: NewKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.text}"}


def path_of(template: str) -> str:
    """A path of the template; no such thing exists, which is not what is asked."""
    return template.replace("{", "no-").replace("}", "")


def without_id(answer: httpx.Response) -> dict[str, Any]:
    """The whole answer but what differs from request to request by design."""
    body = {name: value for name, value in answer.json().items() if name != "request_id"}
    headers = {name: value for name, value in answer.headers.items() if name != "x-request-id"}
    return body | headers


async def described(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    schema = (await client.get("/openapi.json")).json()
    return [(method.upper(), path) for path, item in schema["paths"].items() for method in item]


def test_every_scope_opens_its_routes_and_no_other(gate: Gate) -> None:
    keys = {scope: gate.key(scope) for scope in Scope}

    async def scene(client: httpx.AsyncClient) -> None:
        routes = await described(client)
        assert {route for route in routes if route[1] not in OPEN} == set(SCOPES)
        for method, template in routes:
            for scope, key in keys.items():
                answer = await client.request(method, path_of(template), headers=bearer(key))
                refused = answer.status_code == 403
                opened = template in OPEN or SCOPES[method, template] is scope
                assert refused != opened, (method, template, scope, answer.status_code)
                assert answer.status_code not in (401, 500), (method, template, scope)
                if refused:
                    assert answer.json()["type"] == "ScopeError"

    gate.play(scene)


def test_without_a_key_in_force_every_route_answers_the_same_401(gate: Gate) -> None:
    live, revoked, expired = (gate.key(*Scope, valid_s=valid) for valid in (None, None, 1e-6))
    gate.store.revoke(revoked.key.key_id)
    wrong = live.text[:-1] + ("A" if live.text[-1] != "A" else "B")
    headers: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": live.text},
        {"Authorization": f"Basic {live.text}"},
        {"Authorization": f"Bearer {wrong}"},
        {"Authorization": f"Bearer {live.text} x"},
        {"Authorization": "Bearer rk_000000000000_" + "A" * 43},
        {"X-API-Key": "Bearer"},
        bearer(revoked),
        bearer(expired),
    ]

    async def scene(client: httpx.AsyncClient) -> None:
        bodies = set()
        for method, template in await described(client):
            for header in headers:
                answer = await client.request(method, path_of(template), headers=header, content=b"{broken")
                if template in OPEN:
                    assert answer.status_code == 200
                    continue
                assert answer.status_code == 401, (method, template, header)
                assert answer.headers["www-authenticate"] == "Bearer"
                body = answer.json()
                assert body.pop("request_id") == answer.headers["x-request-id"]
                bodies.add(str(body))
        assert len(bodies) == 1
        assert (await client.get("/nowhere")).status_code == 401
        assert (await client.get("/nowhere", headers=bearer(live))).status_code == 404
        assert (await client.get("/v1/index", params={"key": live.text})).status_code == 401

    gate.play(scene)


def test_a_key_works_in_both_headers_and_ends_when_revoked(gate: Gate) -> None:
    key = gate.key(Scope.RECOMMEND)

    async def scene(client: httpx.AsyncClient) -> None:
        body = {"text": "kettle", "n": 1}
        for header in (bearer(key), {"X-API-Key": key.text}):
            assert (await client.post("/v1/search", json=body, headers=header)).status_code == 200
        gate.store.revoke(key.key.key_id)
        for _ in range(200):
            status = (await client.post("/v1/search", json=body, headers=bearer(key))).status_code
            if status == 401:
                return
            await asyncio.sleep(REFRESH_S)
        raise AssertionError("the revoked key still opens")

    gate.play(scene)


def test_a_rate_is_kept_and_told(gate: Gate) -> None:
    key = gate.key(Scope.RECOMMEND, rate=RateLimit(0.001, 3))
    free = gate.key(Scope.RECOMMEND)

    async def scene(client: httpx.AsyncClient) -> None:
        body = {"text": "kettle", "n": 1}
        answers = [await client.post("/v1/search", json=body, headers=bearer(key)) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 1_000
        assert answers[-1].json()["type"] == "OverloadedError"
        assert (await client.post("/v1/search", json=body, headers=bearer(free))).status_code == 200

    gate.play(scene)


def test_decisions_are_logged_under_the_keys_name(gate: Gate) -> None:
    key = gate.key(Scope.ADMIN)

    async def scene(client: httpx.AsyncClient) -> None:
        body = {"description": "Recalled", "brands": ["Umbra"]}
        for said in ({}, {"X-Actor": "ann"}):
            await client.put("/v1/blocks/b" + str(len(said)), json=body, headers=bearer(key) | said)
        audit = (await client.get("/v1/audit", headers=bearer(key))).json()
        assert [entry["actor"] for entry in audit] == ["tester: ann", "tester"]
        long = bearer(key) | {"X-Actor": "a" * 201}
        assert (await client.put("/v1/blocks/b", json=body, headers=long)).status_code == 422

    gate.play(scene)


def test_pages_of_named_origins_may_call_and_no_others(small_shop: SmallShop, config: ServeConfig) -> None:
    named = "https://shop.example"
    gate = Gate(small_shop, config.model_copy(update={"cors_origins": (named,)}))

    async def scene(client: httpx.AsyncClient) -> None:
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        for origin, allowed in ((named, named), ("https://evil.example", None)):
            answer = await client.options("/v1/recommend", headers={"Origin": origin, **asked})
            assert answer.headers.get("access-control-allow-origin") == allowed
            assert answer.status_code == (200 if allowed else 400)

    gate.play(scene)


def test_a_page_of_a_named_origin_can_read_every_refusal(
    small_shop: SmallShop, config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turned away, too large, without a key, unknown, and broken: whichever part of the service answers."""
    named, evil = "https://shop.example", "https://evil.example"
    narrow = {"cors_origins": (named,), "max_body_bytes": 100, "max_ongoing_requests": 2}
    service = assemble_inline(small_shop, config.model_copy(update=narrow))
    monkeypatch.setattr(service, "index", lambda: 1 / 0)

    async def ask(origin: str) -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_api(service), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            client.headers["Origin"] = origin
            await service.start()
            # They come in one turn of the loop, of which the guard lets two in.
            crowd = await asyncio.gather(*(client.get("/v1/nowhere") for _ in range(3)))
            large = await client.post("/v1/search", content=b"x" * 101)
            broken = await client.get("/v1/index")
            await service.stop()
        return [crowd[2], crowd[0], large, broken]

    answers = asyncio.run(ask(named))
    assert [answer.status_code for answer in answers] == [503, 404, 413, 500]
    assert answers[0].headers["retry-after"] == "1"
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == named, answer.status_code
        assert answer.headers["vary"] == "Origin"
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    foreign = asyncio.run(ask(evil))
    assert [answer.status_code for answer in foreign] == [503, 404, 413, 500]
    assert not any("access-control-allow-origin" in answer.headers for answer in foreign)


def test_a_full_service_still_answers_what_browsers_ask_first(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    """A preflight that is turned away would hide the 503, and when to come again, behind a network error."""
    named = "https://shop.example"
    service = assemble_inline(
        small_shop, config.model_copy(update={"cors_origins": (named,), "max_ongoing_requests": 1})
    )
    asked = {"Origin": named, "Access-Control-Request-Method": "POST"}

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(create_api(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            calls = [("GET", {}), ("GET", {}), ("OPTIONS", asked)]
            return [
                answer.status_code
                for answer in await asyncio.gather(
                    *(client.request(method, "/v1/recommend", headers=headers) for method, headers in calls)
                )
            ]

    assert asyncio.run(ask()) == [405, 503, 200]


def test_without_keys_the_description_names_none_and_everything_is_open(service: ShopService) -> None:
    async def run() -> None:
        async with client_of(service) as client:
            schema = (await client.get("/openapi.json")).json()
            assert "securitySchemes" not in schema["components"]
            assert (await client.get("/v1/index")).status_code == 200
            assert (await client.get("/metrics")).status_code == 200

    asyncio.run(run())


def test_no_key_of_one_shop_opens_any_route_of_another(
    tmp_path: Path, tiny_bert: Path, config: ServeConfig
) -> None:
    """Every key of A, at every route of B, is what an unknown key is; and the other way round."""
    gates = [Gate(make_small_shop(tmp_path / name, tiny_bert, None), config) for name in "ab"]
    keys = [{scope: gate.key(scope) for scope in Scope} for gate in gates]
    unknown = {"Authorization": "Bearer rk_000000000000_" + "A" * 43}

    def scene_of(strangers: dict[Scope, NewKey]) -> Callable[[httpx.AsyncClient], Awaitable[None]]:
        async def scene(client: httpx.AsyncClient) -> None:
            for method, template in await described(client):
                if template in OPEN:
                    continue
                plain = await client.request(method, path_of(template), headers=unknown)
                for key in strangers.values():
                    answer = await client.request(method, path_of(template), headers=bearer(key))
                    assert answer.status_code == plain.status_code == 401
                    assert without_id(answer) == without_id(plain)

        return scene

    gates[0].play(scene_of(keys[1]))
    gates[1].play(scene_of(keys[0]))


def test_what_one_shop_is_told_is_nowhere_in_another(
    tmp_path: Path, tiny_bert: Path, config: ServeConfig
) -> None:
    gates = {name: Gate(make_small_shop(tmp_path / name, tiny_bert, None), config) for name in "ab"}
    key = {name: bearer(gate.key(*Scope)) for name, gate in gates.items()}
    canary = {"item_id": "canary-item", "title": "zanzibar canary kettle", "category": "Canary"}
    event = {"user_id": "canary-user", "item_id": "canary-item", "event_type": "purchase"}

    async def tell(client: httpx.AsyncClient) -> None:
        for path, body in (("items:batch", {"items": [canary]}), ("events:batch", {"events": [event]})):
            assert (await client.post(f"/v1/{path}", json=body, headers=key["a"])).status_code == 200
        found = await client.post("/v1/search", json={"text": canary["title"], "n": 1}, headers=key["a"])
        assert found.json()["items"][0]["item_id"] == "canary-item"

    async def look(client: httpx.AsyncClient) -> None:
        found = await client.post("/v1/search", json={"text": canary["title"], "n": 100}, headers=key["b"])
        profile = await client.get("/v1/users/canary-user/profile", headers=key["b"])
        like = await client.post("/v1/similar", json={"item_id": "canary-item"}, headers=key["b"])
        metrics = await client.get("/metrics", headers=key["b"])
        assert (found.status_code, profile.status_code, like.status_code) == (200, 404, 404)
        assert "canary" not in found.text + metrics.text

    gates["a"].play(tell)
    gates["b"].play(look)
    for file in (tmp_path / "b").rglob("*"):
        assert not file.is_file() or b"canary" not in file.read_bytes(), file


def test_other_methods_of_a_path_are_named_in_full(service: ShopService) -> None:
    async def run() -> None:
        async with client_of(service) as client:
            answer = await client.request("PATCH", "/v1/rules/one")
            assert answer.status_code == 405
            assert answer.headers["allow"] == "DELETE, GET, PUT"

    asyncio.run(run())
