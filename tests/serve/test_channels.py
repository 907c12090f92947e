"""A version with pictures beside the texts: served as evaluated, taken over live, kept by changed items."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.dataset import read_dataset
from cluster.indexing import build_index, published_fit
from jobs.import_vectors import import_vectors
from jobs.publish_index import awaits_fit
from recsys.blend.blended import Blended
from recsys.blend.fitted import Fitted
from recsys.blend.histories import histories_of
from recsys.blend.links import ModelLinks
from recsys.blend.making import make_signals
from recsys.blend.settings import Blend, FittedBlend, SignalSettings
from recsys.blend.whitening import Whitening
from recsys.channels import ChannelShare
from recsys.config import FitConfig, IndexConfig, ServeConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import hide, top_places
from recsys.evaluation.splits import Split
from recsys.index import load_manifest, publish, verify
from tests.serve.conftest import SmallShop, assemble_inline, client_of, make_small_shop

WIDTH = 6
CONFIG = FitConfig(num_trials=1, num_neighbours=20)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> tuple[SmallShop, Dataset]:
    """Two thirds of the items have a vector in the channel `look`."""
    small = make_small_shop(tmp_path_factory.mktemp("channels"), tiny_bert, None)
    rng = np.random.default_rng(2)
    ids = sorted(small.shop.items.column("item_id").to_pylist())
    own = [item_id for place, item_id in enumerate(ids) if place % 3]
    column = pa.FixedSizeListArray.from_arrays(pa.array(rng.normal(size=len(own) * WIDTH)), WIDTH)
    file = small.workspace.root / "look.parquet"
    pq.write_table(pa.table({"item_id": own, "embedding": column}), file)
    assert import_vectors(small.workspace, small.items, "look", file).items == len(own)
    return small, read_dataset(small.workspace, small.items, small.events, small.encoder.version)


def fitted_blend(whitening: str = "whitened") -> FittedBlend:
    share = ChannelShare(
        name="look", version=f"own-{WIDTH}", width=WIDTH, turn="centred", share=0.3,
        by_category={"Home": 0.6},
    )  # fmt: skip
    return FittedBlend(
        settings=SignalSettings.model_validate({"whitening": whitening, "channels": (share,)}),
        discover=Blend(text=1.0, behaviour=0.4),
        again=Blend(text=1.0, behaviour=0.4),
    )


def publish_fitted(small: SmallShop, data: Dataset) -> str:
    blend = fitted_blend()
    links = ModelLinks.of(data.log.item_ids, make_signals(data, blend.settings, CONFIG))
    fitted = Fitted(blend, links, Whitening.fit(data.vectors, blend.settings.whitening))
    config = IndexConfig(num_shards=2)
    version = build_index(small.workspace, small.items, small.encoder.version, config, fitted).index_version
    publish(small.workspace, version)
    return version


def test_a_running_service_takes_pictures_over_and_serves_what_is_evaluated(
    shop: tuple[SmallShop, Dataset],
) -> None:
    small, data = shop
    service = assemble_inline(small, ServeConfig(shard_timeout_s=30, encode_timeout_s=30, refresh_s=0.05))
    log, blend = data.log, fitted_blend()
    users = np.arange(log.num_users, dtype=np.int32)
    scores = Blended(make_signals(data, blend.settings, CONFIG), blend.discover).scores(
        histories_of(log, users)
    )
    available = np.isin(
        log.item_ids,
        [
            row["item_id"]
            for row in small.shop.items.select(["item_id", "available"]).to_pylist()
            if row["available"]
        ],
    )
    hide(scores, Split(log, users, None, 0), users, True, available)
    lists = top_places(scores, 5)

    async def work() -> int:
        async with client_of(service) as client:
            text_alone = (await client.post("/v1/search", json={"text": "steel pan", "n": 5})).json()
            assert text_alone["items"]
            version = publish_fitted(small, data)
            for _ in range(200):
                body = {"text": "steel pan", "n": 5}
                found = (await client.post("/v1/search", json=body)).json()
                if found["index_version"] == version:
                    break
                await asyncio.sleep(0.05)
            assert found["index_version"] == version
            assert len(found["items"]) == 5
            same = 0
            for user, key in enumerate(log.user_keys):
                reviewed = any(event.review_text for event in small.events.events_of(key, 5_000))
                if reviewed or (log.weights[log.rows_of(user)] <= 0).any():
                    continue
                body = {"user_id": key.partition(":")[2], "n": 5}
                answer = (await client.post("/v1/recommend", json=body)).json()
                got = np.array([item["score"] for item in answer["items"]])
                np.testing.assert_allclose(got, scores[user, lists[user]], atol=2e-5)
                same += 1
            return same

    assert asyncio.run(work()) > 5


def test_the_next_index_carries_pictures_over_and_a_lost_channel_waits_for_a_fit(
    shop: tuple[SmallShop, Dataset],
) -> None:
    small, data = shop
    version = publish_fitted(small, data)
    manifest = verify(small.workspace, version)
    assert (manifest.dim, manifest.text_dim) == (small.encoder.dim + WIDTH, small.encoder.dim)
    assert [signal.name for signal in manifest.signals][:2] == ["text", "look"]
    carried = published_fit(small.workspace, small.encoder.version)
    assert carried is not None
    assert carried.blend == fitted_blend()
    again = build_index(small.workspace, small.items, small.encoder.version, IndexConfig(num_shards=2))
    assert again.dim == manifest.dim
    assert [f.sha256 for f in again.files if "vectors" in f.path] == [
        f.sha256 for f in manifest.files if "vectors" in f.path
    ]
    assert not awaits_fit(small.workspace, small.encoder.version)
    folder = small.workspace.channel("look")
    folder.rename(folder.with_name("gone"))
    try:
        (folder.with_name("gone") / "channel.json").rename(folder.with_name("record"))
        assert awaits_fit(small.workspace, small.encoder.version)
        bare = build_index(small.workspace, small.items, small.encoder.version, IndexConfig(num_shards=2))
        assert load_manifest(small.workspace, bare.index_version).dim == manifest.dim  # zero columns
    finally:
        folder.with_name("record").rename(folder.with_name("gone") / "channel.json")
        folder.with_name("gone").rename(folder)


def test_an_item_whose_price_changed_keeps_its_picture_and_a_new_one_has_its_text(
    shop: tuple[SmallShop, Dataset],
) -> None:
    small, data = shop
    publish_fitted(small, data)
    service = assemble_inline(small, ServeConfig(shard_timeout_s=30, encode_timeout_s=30))
    ids = sorted(small.shop.items.column("item_id").to_pylist())
    changed = next(row for row in small.shop.items.to_pylist() if row["item_id"] == ids[1])

    async def work() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        async with client_of(service) as client:
            before, _ = await service.watch.view.vector_of(ids[1])
            item: dict[str, Any] = {"item_id": ids[1], "title": changed["title"], "price_minor": 1}
            item |= {name: changed[name] for name in ("description", "category", "brand") if changed[name]}
            item |= {"attributes": dict(changed["attributes"])} if changed["attributes"] else {}
            new = {"item_id": "new-pan", "title": "steel pan", "category": "Home"}
            answer = await client.post("/v1/items:batch", json={"items": [item, new]})
            assert answer.status_code == 200, answer.text
            await service.watch.refresh_items()
            after, _ = await service.watch.view.vector_of(ids[1])
            fresh, _ = await service.watch.view.vector_of("new-pan")
            assert before is not None
            assert after is not None
            assert fresh is not None
            return before, after, fresh

    before, after, fresh = asyncio.run(work())
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert np.abs(before[-WIDTH:]).max() > 0.01
    assert (fresh[-WIDTH:] == 0).all()
    assert np.linalg.norm(fresh) == pytest.approx(1.0, abs=1e-5)
