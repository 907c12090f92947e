"""A Chinese shop from its exported table to lists, searches and reasons."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cluster.database import open_database
from cluster.embedding import embed_catalog
from cluster.event_store import EventStore
from cluster.indexing import build_index
from cluster.item_store import ItemStore
from jobs.import_data import import_events, import_items
from recsys.config import EmbedConfig, EncoderConfig, ImportConfig, IndexConfig, ServeConfig
from recsys.encoder import TextEncoder
from recsys.encoder.coverage import coverage_warning, unknown_share
from recsys.encoder_record import save_encoder_config
from recsys.index import publish
from recsys.shop import Shop
from recsys.workspace import Workspace
from tests.serve.conftest import SmallShop, assemble_inline, client_of
from tests.tiny_encoders import tiny_bert

TEAS = ["云南普洱茶叶", "西湖龙井茶叶", "安溪铁观音茶叶", "祁门红茶茶叶", "福鼎白茶茶叶", "茉莉花茶叶"]
SHIRTS = ["男士纯棉长袖衬衫", "女士真丝短袖衬衫", "格子休闲衬衫", "白色商务衬衫", "牛仔衬衫", "亚麻夏季衬衫"]
LAMPS = ["客厅水晶吊灯", "卧室护眼台灯", "书房阅读台灯", "阳台太阳能壁灯", "餐厅简约吊灯", "儿童床头夜灯"]
NOWHERE: Any = None


def rows() -> list[tuple[str, str, str, str]]:
    groups = (("食品/茶叶", TEAS), ("服装/衬衫", SHIRTS), ("家居/灯具", LAMPS))
    return [
        (f"商品{title[:4]}", title, path, f"{title}，品质保证。") for path, own in groups for title in own
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> SmallShop:
    """Imported from GB18030, encoded by a tiny random network that knows the characters."""
    root = tmp_path_factory.mktemp("chinese")
    table = "编号,名称,类目,描述\n" + "".join(",".join(row) + "\n" for row in rows())
    (root / "商品.csv").write_bytes(table.encode("gb18030"))
    workspace = Workspace(root / "shop").create()
    items = ItemStore(open_database(workspace.database_url))
    events = EventStore(open_database(workspace.database_url))
    columns = {"description": "描述"}  # a chosen one beside those that are known by their names
    report = import_items(
        [root / "商品.csv"], item_store=items, workspace=workspace, config=ImportConfig(columns=columns)
    )
    assert (report.accepted, report.quarantined.total()) == (len(rows()), 0)
    lines = [f"小明,{row[0]},purchase,2026-02-{day:02d}T10:00:00Z" for day, row in enumerate(rows()[:3], 1)]
    (root / "行为.csv").write_bytes(
        ("user_id,item_id,event_type,occurred_at\n" + "\n".join(lines)).encode("utf-16")
    )
    done = import_events([root / "行为.csv"], event_store=events, workspace=workspace, config=ImportConfig())
    assert done.stored["appended"] == 3
    known = "".join(sorted({character for row in rows() for text in row for character in text}))
    config = EncoderConfig(source=str(tiny_bert(root / "encoder", more=known)), max_tokens=64)
    embedded = embed_catalog(workspace, items, config, EmbedConfig())
    save_encoder_config(workspace, embedded.encoder_version, config)
    version = build_index(workspace, items, embedded.encoder_version, IndexConfig(num_shards=2))
    publish(workspace, version.index_version)
    nobody: Shop = NOWHERE
    return SmallShop(workspace, TextEncoder.load(config), nobody)


def test_lists_searches_filters_and_reasons(shop: SmallShop) -> None:
    service = assemble_inline(
        shop, ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)
    )

    async def work() -> list[list[dict[str, Any]]]:
        async with client_of(service) as client:
            bodies = [
                ("/v1/recommend", {"user_id": "小明", "n": 3, "explain": True}),
                ("/v1/search", {"text": "龙井茶叶", "n": 6}),
                ("/v1/similar", {"item_id": f"商品{LAMPS[1][:4]}", "n": 5}),
                ("/v1/search", {
                    "text": "茶叶", "n": 9, "filter": {"field": "title", "op": "contains", "value": "衬衫"},
                }),
            ]  # fmt: skip
            answers = [await client.post(path, json=body) for path, body in bodies]
            assert [answer.status_code for answer in answers] == [200] * 4
            return [answer.json()["items"] for answer in answers]

    listed, found, similar, shirts = asyncio.run(work())
    teas = {f"商品{title[:4]}" for title in TEAS}
    assert listed[0]["item_id"] in teas
    assert not {item["item_id"] for item in listed} & {row[0] for row in rows()[:3]}
    reasons = [reason for item in listed for reason in item["reasons"]]
    assert any(title in str(reasons) for title in TEAS[:3]), reasons
    assert found[0]["item_id"] == f"商品{TEAS[1][:4]}"
    assert f"商品{LAMPS[2][:4]}" in [item["item_id"] for item in similar]
    assert {item["item_id"] for item in shirts} == {f"商品{title[:4]}" for title in SHIRTS}


def test_an_encoder_that_does_not_know_the_language_is_told(shop: SmallShop, tiny_bert: Path) -> None:
    english = EncoderConfig(source=str(tiny_bert))
    assert unknown_share(english, TEAS) == 1.0
    assert "han 100%" in str(coverage_warning(english, TEAS))
    assert coverage_warning(english, ["red mug", "steel pan"]) is None
    assert unknown_share(english, [""]) == 0.0
