"""What a list says and shows while shards do not answer, in the real service's own parts."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from cluster.confirmed_publish import ReplicaWait, publish_confirmed
from recsys.config import IndexConfig, ServeConfig
from recsys.errors import GateError, StoreError
from recsys.index import IndexWriter, Signal
from recsys.index.writer import Provenance
from serve_app.fallback_shelf import FallbackShelf
from serve_app.service import ShopService
from serve_app.shard_clients import InlineShard
from tests.serve.conftest import SmallShop, assemble_inline, client_of
from tests.serve.test_swaps import ask, board_of


class Mortal:
    """A shard's client that can be told not to answer."""

    in_process = True

    def __init__(self, shard: Any) -> None:
        self._shard, self.dead = shard, False

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> Any:
            if self.dead:
                raise StoreError("killed")
            return await getattr(self._shard, name)(*arguments)

        return call


@pytest.fixture
def mortal(small_shop: SmallShop, config: ServeConfig) -> tuple[ShopService, list[Mortal]]:
    """The service with a shelf, and its two shards."""
    service = assemble_inline(small_shop, config)
    watch = service.watch
    shards = [Mortal(shard) for shard in watch._shards]
    assert isinstance(watch._shards[0], InlineShard)
    watch._shards = shards
    service.shelf = watch._shelf = FallbackShelf(small_shop.items, service.popularity)
    return service, shards


async def listed(client: httpx.AsyncClient, **body: Any) -> dict[str, Any]:
    answer = await client.post("/v1/recommend", json={"n": 10, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_popular_list_says_that_a_shard_had_no_part_in_it(mortal: tuple[ShopService, list[Mortal]]) -> None:
    """Found by the chaos suite: a newcomer's list claimed full coverage while a shard was dead."""
    service, shards = mortal

    async def scene() -> None:
        async with client_of(service) as client:
            assert (await listed(client))["coverage"]["ratio"] == 1.0
            shards[0].dead = True
            answer = await listed(client)
            assert 0.0 < answer["coverage"]["ratio"] < 1.0
            assert answer["coverage"]["shards_ok"] == 1
            assert "shard_down" in answer["degraded"]
            refused = await client.post("/v1/recommend", json={"n": 10, "require_full": True})
            assert refused.status_code == 503
            assert refused.headers["retry-after"]

    asyncio.run(scene())


def test_without_any_shard_popular_items_are_shown_filtered_and_never_deleted_ones(
    mortal: tuple[ShopService, list[Mortal]], small_shop: SmallShop
) -> None:
    """Found by the chaos suite: without shards every list was empty."""
    service, shards = mortal
    user = small_shop.events.typical_users(1)[0].removeprefix("user:")

    async def scene() -> None:
        async with client_of(service) as client:
            before = await listed(client)
            for shard in shards:
                shard.dead = True
            answer = await listed(client)
            assert [one["item_id"] for one in answer["items"]] == [one["item_id"] for one in before["items"]]
            assert [one["title"] for one in answer["items"]] == [one["title"] for one in before["items"]]
            assert answer["coverage"]["ratio"] == 0.0
            assert {"fallback", "shard_down"} <= set(answer["degraded"])
            assert len((await listed(client, user_id=user))["items"]) == 10
            cheap = {"field": "price_minor", "op": "<=", "value": 3_000}
            items = {one["item_id"]: one for one in small_shop.shop.items.to_pylist()}
            filtered = (await listed(client, filter=cheap))["items"]
            assert filtered
            assert all(items[one["item_id"]]["price_minor"] <= 3_000 for one in filtered)
            gone = answer["items"][0]["item_id"]
            assert (await client.delete(f"/v1/items/{gone}")).status_code == 200
            assert gone not in [one["item_id"] for one in (await listed(client))["items"]]

    asyncio.run(scene())


@pytest.mark.parametrize(("encoder", "dim"), [("another-0123456789ab", 32), (None, 16)])
def test_a_version_of_another_encoder_or_width_is_refused_by_a_running_service(
    small_shop: SmallShop, config: ServeConfig, encoder: str | None, dim: int
) -> None:
    """Found by the chaos suite: it was adopted, and texts were points of another space, or lists failed."""
    old = small_shop.workspace.current.read_text().strip()
    items = next(small_shop.items.scan())
    with IndexWriter(small_shop.workspace, dim, IndexConfig(num_shards=2)) as writer:
        writer.add(items, np.random.default_rng(1).normal(size=(items.num_rows, dim)).astype(np.float32))
        signals = (Signal(name="text", width=dim, weight=1.0),)
        provenance = Provenance(encoder or small_shop.encoder.version, "1", signals, 0)
        other = writer.close(provenance).index_version

    async def scene() -> None:
        async with client_of(assemble_inline(small_shop, config)) as client:
            arguments = (small_shop.workspace, board_of(small_shop), other, 3, ReplicaWait(30.0))
            with pytest.raises(GateError, match="restart"):
                await asyncio.to_thread(publish_confirmed, *arguments)
            assert await ask(client) == old

    asyncio.run(scene())
