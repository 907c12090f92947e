"""The catalog over HTTP: items as the store has them, categories counted, and the store page's files."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
from hypothesis import given
from hypothesis import strategies as st

import serve_app.shop_catalog as shop_catalog
from recsys.config import ServeConfig
from recsys.privacy.names import Pseudonyms
from serve_app.console_page import FOLDER as CONSOLE
from serve_app.page_files import PARTS
from serve_app.service import ShopService
from serve_app.shop_catalog import category_tree
from serve_app.store_page import FOLDER
from tests.serve.conftest import SmallShop, assemble_inline
from tests.serve.test_api import play

PAGES = ("/", "/store/", "/store/store.js", "/store/shoppers.json", "/page-parts/base.css", "/console/")


def test_items_are_told_as_the_catalog_has_them(small_shop: SmallShop, service: ShopService) -> None:
    rows = {row["item_id"]: row for row in small_shop.shop.items.to_pylist()}

    async def scene(client: httpx.AsyncClient) -> None:
        ids = ["item-00007", "nobody", "item-00003", "item-00007", "a\x00b", "  "]
        answer = (await client.get("/v1/items", params={"item_id": ids})).json()
        assert [item["item_id"] for item in answer["items"]] == ["item-00007", "item-00003"]
        for item in answer["items"]:
            row = rows[item["item_id"]]
            assert item["attributes"] == dict(row["attributes"])
            assert all(
                item[name] == row[name] for name in ("title", "description", "price_minor", "available")
            )
            assert (await client.get(f"/v1/items/{item['item_id']}")).json() == item
        for wrong in ("nobody", "a%00b", "%20"):
            assert (await client.get(f"/v1/items/{wrong}")).status_code == 404
        for ids in ([], [""], ["x" * 257], ["x"] * 101):
            assert (await client.get("/v1/items", params={"item_id": ids})).status_code == 422

    play(service, scene)


def test_a_change_shows_at_once_and_counts_follow(service: ShopService, monkeypatch: Any) -> None:
    monkeypatch.setattr(shop_catalog, "COUNTS_AGE_S", 0.0)
    new = {"item_id": "new/1 é", "title": "Moka", "category": "Kitchen/Coffee & Tea", "price": "24.90 EUR"}

    async def count(client: httpx.AsyncClient, category: str) -> int:
        found = (await client.get("/v1/categories")).json()["categories"]
        return int(next(one["items"] for one in found if one["category"] == category))

    async def scene(client: httpx.AsyncClient) -> None:
        before = [await count(client, name) for name in ("Kitchen", "Kitchen/Coffee & Tea")]
        await client.post("/v1/items:batch", json={"items": [new]})
        after = [await count(client, name) for name in ("Kitchen", "Kitchen/Coffee & Tea")]
        assert after == [n + 1 for n in before]
        answer = (await client.get("/v1/items", params={"item_id": new["item_id"]})).json()
        assert answer["items"][0]["price_minor"] == 2490
        await client.post("/v1/items:batch", json={"items": [new | {"available": False}]})
        assert await count(client, "Kitchen") == before[0]

    play(service, scene)


def test_category_counts_are_those_of_available_items(small_shop: SmallShop, service: ShopService) -> None:
    rows = [row for row in small_shop.shop.items.to_pylist() if row["available"] and row["category"]]

    async def scene(client: httpx.AsyncClient) -> None:
        for one in (await client.get("/v1/categories")).json()["categories"]:
            path = one["category"]
            inside = [r for r in rows if r["category"] == path or r["category"].startswith(path + "/")]
            assert one["items"] == len(inside)
            listed = await client.post(
                "/v1/recommend",
                json={"n": 200, "filter": {"field": "category", "op": "under", "value": path}},
            )
            assert {item["item_id"] for item in listed.json()["items"]} == {r["item_id"] for r in inside}

    play(service, scene)


@given(
    st.dictionaries(st.lists(st.sampled_from("ab "), min_size=1, max_size=4).map("/".join), st.integers(1, 9))
)
def test_a_tree_counts_everything_inside_once_and_parents_come_first(counts: dict[str, int]) -> None:
    tree = category_tree(counts)
    paths = [one.category for one in tree]
    assert len(set(paths)) == len(paths)
    for one in tree:
        inside = [
            n for path, n in counts.items() if path == one.category or path.startswith(one.category + "/")
        ]
        assert one.items == sum(inside)
        assert one.parent is None or paths.index(one.parent) < paths.index(one.category)
    assert set(counts) <= set(paths)


def test_the_store_page_is_there_only_where_it_is_wanted(
    small_shop: SmallShop, service: ShopService, config: ServeConfig
) -> None:
    async def without(client: httpx.AsyncClient) -> None:
        for path in PAGES:
            assert (await client.get(path)).status_code == 404

    async def with_it(client: httpx.AsyncClient) -> None:
        door = await client.get("/")
        assert (door.status_code, door.headers["location"]) == (307, "/store/")
        for file in (file for file in FOLDER.rglob("*") if file.is_file()):
            answer = await client.get(f"/store/{file.relative_to(FOLDER)}")
            assert answer.content == file.read_bytes()
            policy = answer.headers["content-security-policy"]
            assert "default-src 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            again = await client.get(answer.url, headers={"If-None-Match": answer.headers["etag"]})
            assert again.status_code == 304
        assert (await client.get("/page-parts/base.css")).content == (PARTS / "base.css").read_bytes()
        assert (await client.get("/page-parts/")).status_code == 404
        assert (await client.get("/store/")).content == (FOLDER / "index.html").read_bytes()
        for path in ("..%2fstore_page.py", "%2e%2e/store_page.py", "nothing.js"):
            assert (await client.get(f"/store/{path}")).status_code == 404
        assert (await client.post("/store/store.js")).status_code == 405

    play(service, without)
    play(assemble_inline(small_shop, config.model_copy(update={"store": True})), with_it)


def test_the_console_is_there_only_where_it_is_wanted_and_is_the_front_where_no_store_is(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    async def scene(client: httpx.AsyncClient) -> None:
        assert (await client.get("/")).headers["location"] == "/console/"
        files = [file for file in CONSOLE.rglob("*") if file.is_file()]
        for file in files:
            answer = await client.get(f"/console/{file.relative_to(CONSOLE)}")
            assert answer.content == file.read_bytes()
            assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert (await client.get("/store/")).status_code == 404
        whole = sum(len(gzip.compress(file.read_bytes())) for file in (*files, *PARTS.iterdir()))
        assert whole <= 48 * 1024, whole

    play(assemble_inline(small_shop, config.model_copy(update={"console": True})), scene)


def test_shoppers_to_be_have_histories_and_interests(small_shop: SmallShop, config: ServeConfig) -> None:
    service = assemble_inline(small_shop, config.model_copy(update={"store": True}))

    async def scene(client: httpx.AsyncClient) -> None:
        shoppers = (await client.get("/store/shoppers.json")).json()["shoppers"]
        assert len(shoppers) == 20
        leaves = {row["category"].split("/")[-1] for row in small_shop.shop.items.to_pylist()}
        for one in shoppers:
            assert 1 <= len(one["interests"]) <= 3
            assert set(one["interests"]) <= leaves
            assert (await client.get(f"/v1/users/{one['user_id']}/profile")).status_code == 200

    play(service, scene)


def test_a_shop_that_keeps_pseudonyms_offers_nobody(small_shop: SmallShop, config: ServeConfig) -> None:
    service = assemble_inline(small_shop, config.model_copy(update={"store": True}))
    assert service.shoppers is not None
    service.shoppers._names = Pseudonyms(b"s" * 32)

    async def scene(client: httpx.AsyncClient) -> None:
        assert (await client.get("/store/shoppers.json")).json() == {"shoppers": []}

    play(service, scene)


def test_the_tag_stays_small() -> None:
    assert len(gzip.compress((FOLDER / "tag.js").read_bytes())) <= 6 * 1024


def test_the_page_has_nothing_inline_and_names_every_module_it_loads() -> None:
    page = (FOLDER / "index.html").read_text(encoding="utf-8")
    assert "style=" not in page
    assert " on" not in page.replace(" only", "").split("<body")[1].split(">")[0]
    named = {part.split('"')[0] for part in page.split('modulepreload" href="')[1:]} | {"store.js"}
    own = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*.js")}
    assert named == own | {f"../page-parts/{file.name}" for file in PARTS.glob("*.js")}
