"""Relations that a shop brings: imported, kept in the version, and kept in the lists of the application."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.import_data import import_relations
from recsys.config import ImportConfig, ServeConfig
from recsys.errors import IndexCorruptError
from recsys.index import load_manifest
from recsys.index.files import open_relations
from recsys.index.versions import verify
from tests.serve.conftest import SmallShop, assemble_inline
from tests.serve.test_api import Scene, ids, post
from tests.serve.test_api import play as play_service

HEADER = "item_id,relation,other_item_id,if,then,weight\n"


def stated(small: SmallShop, folder: Path, *rows: str) -> str:
    """Import rows and publish a version with them; its name."""
    file = folder / "relations.csv"
    file.write_text(HEADER + "\n".join(rows))
    report = import_relations(
        [file], item_store=small.items, workspace=small.workspace, config=ImportConfig()
    )
    assert report.accepted == len(rows), report.quarantined
    return small.index()


def play(small: SmallShop, config: ServeConfig, scene: Scene) -> None:
    play_service(assemble_inline(small, config), scene)


def test_lists_keep_what_is_stated_and_say_what_lost_its_place(
    small_shop: SmallShop, config: ServeConfig, tmp_path: Path
) -> None:
    rows = [row for part in small_shop.items.scan() for row in part.to_pylist()]
    shop, category = [row["item_id"] for row in rows], {row["item_id"]: row["category"] for row in rows}
    page = shop[0]
    body = {"user_id": "me", "item_id": page, "n": 5}
    before: dict[str, Any] = {}

    async def plain(client: httpx.AsyncClient) -> None:
        before["page"] = await post(client, "/v1/recommend", body)
        cart = {**body, "cart": [ids(before["page"])[4]]}
        before["cart"] = await post(client, "/v1/recommend", cart)

    play(small_shop, config, plain)
    best = ids(before["page"])
    like_cart = next(item for item in ids(before["cart"]) if item not in best[:3])
    assert before["page"]["held_back"] == []
    assert before["page"]["applied_rules"] == []
    far = next(item for item in reversed(shop) if item not in {*best, page, like_cart})
    taken = {category[item] for item in [*best, page]}
    there = next(name for name in sorted(category.values()) if name not in taken)
    stated(
        small_shop,
        tmp_path,
        f"{best[1]},variant_of,{best[0]},,,",
        f"{best[2]},compatible_with,{far},,,",
        f"{shop[-1]},compatible_with,{page},,,",
        f"{like_cart},substitutes,{best[4]},,,",
        f"{page},complements,{far},,,2",
        f",,,category:{category[page]},category:{there},5",
    )

    async def kept(client: httpx.AsyncClient) -> None:
        answer = await post(client, "/v1/recommend", body)
        held = {one["item_id"]: (one["relation"], one["because_of"]) for one in answer["held_back"]}
        assert held == {best[1]: ("variant_of", best[0]), best[2]: ("compatible_with", page)}
        assert not held.keys() & set(ids(answer))
        assert answer["applied_rules"] == ["relation:compatible_with", "relation:variant_of"]
        assert len(ids(answer)) == 5
        assert ids(answer)[0] == best[0]
        # The caller's own items are all wanted.
        ranked = await post(client, "/v1/rank", {"user_id": "me", "item_ids": best})
        assert sorted(ids(ranked)) == sorted(best)
        # What does for the thing in the cart stands behind everything else.
        cart = await post(client, "/v1/recommend", {**body, "cart": [best[4]]})
        assert like_cart not in ids(cart)
        assert {"item_id": like_cart, "relation": "substitutes", "because_of": best[4]} in cart["held_back"]
        # Stated complements come before what was learned, with the reason; the rule's items behind them.
        beside = await post(client, "/v1/recommend", {**body, "cart": [page], "scenario": "cart"})
        goes = [one for one in beside["items"] if one["sources"] == ["complements"]]
        assert goes[0]["item_id"] == far
        assert goes[0]["reasons"][0]["kind"] == "goes_with"
        assert goes[0]["reasons"][0]["item_id"] == page
        assert goes[0]["reasons"][0]["text"].startswith("Goes with ")
        assert category[goes[1]["item_id"]] == there
        # A scenario decides otherwise, and brings what goes with the history.
        now = datetime.now(UTC).isoformat()
        bought = {"user_id": "me", "item_id": page, "event_type": "purchase", "occurred_at": now}
        await post(client, "/v1/events:batch", {"events": [bought]})
        free = {"constraints": [], "sources": ["personal", "related"], "related_share": 0.2}
        assert (await client.put("/v1/scenarios/free", json=free)).status_code == 200
        open_list = await post(client, "/v1/recommend", {"user_id": "me", "n": 5, "scenario": "free"})
        assert open_list["held_back"] == []
        related = [one for one in open_list["items"] if one["sources"] == ["related"]]
        assert [one["item_id"] for one in related] == [far]

    play(small_shop, config, kept)


def test_a_version_has_its_relations_under_a_hash_and_is_another_without_them(
    small_shop: SmallShop, tmp_path: Path
) -> None:
    plain = load_manifest(small_shop.workspace, small_shop.index())
    assert plain.relations is None
    assert not open_relations(small_shop.workspace, plain)
    one, other = sorted(row for part in small_shop.items.scan() for row in part["item_id"].to_pylist())[:2]
    name = stated(small_shop, tmp_path, f"{one},complements,{other},,,")
    assert name != plain.index_version
    assert stated(small_shop, tmp_path, f"{one},complements,{other},,,") == name
    manifest = verify(small_shop.workspace, name)
    assert open_relations(small_shop.workspace, manifest).complements == {one: {other: 1.0}}
    assert manifest.relations is not None
    assert manifest.relations.rows == 1
    # A file of which nothing can be kept leaves what there was.
    before, bad = small_shop.workspace.relations.read_bytes(), tmp_path / "bad.csv"
    bad.write_text(HEADER + f"{one},complements,nobody,,,\n")
    report = import_relations(
        [bad], item_store=small_shop.items, workspace=small_shop.workspace, config=ImportConfig()
    )
    assert report.exit_code == 1
    assert report.quarantined == {"unknown_item": 1}
    assert small_shop.workspace.relations.read_bytes() == before
    file = small_shop.workspace.index_version(name) / manifest.relations.path
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(IndexCorruptError):
        verify(small_shop.workspace, name)
