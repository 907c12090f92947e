"""Versions are loaded beside the one that answers, confirmed, swapped whole, and refused when altered."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from cluster.answer_store import AnswerStore
from cluster.confirmed_publish import ReplicaWait, publish_confirmed, rollback_confirmed
from cluster.indexing import build_index
from cluster.replica_board import ReplicaBoard
from cluster.serving_database import open_serving_database
from recsys.answer_record import AnswerRecord
from recsys.config import IndexConfig, Metric, ServeConfig
from recsys.errors import GateError, RecsysError
from recsys.index import load_manifest
from tests.serve.conftest import SmallShop, assemble_inline, client_of

WAIT = ReplicaWait(30.0)


@pytest.fixture
def config() -> ServeConfig:
    return ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30, refresh_s=0.05)


def board_of(shop: SmallShop) -> ReplicaBoard:
    """Where the service of a shop reports."""
    return ReplicaBoard(open_serving_database(f"sqlite:///{shop.workspace.serving_database}"))


def other_version(shop: SmallShop) -> str:
    """Another version of the same catalog, built and not published."""
    config = IndexConfig(num_shards=2, metric=Metric.INNER_PRODUCT)
    return build_index(shop.workspace, shop.items, shop.encoder.version, config).index_version


async def ask(client: httpx.AsyncClient) -> str:
    """Version of one answer."""
    answer = await client.post("/v1/similar", json={"item_id": "item-00001", "n": 3})
    assert answer.status_code == 200
    return str(answer.json()["index_version"])


async def asked_until(client: httpx.AsyncClient, done: asyncio.Task[object]) -> list[str]:
    """Versions of the answers given until a task has ended, and of one more a moment later."""
    found = []
    while not done.done():
        found.append(await ask(client))
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.3)
    return [*found, await ask(client)]


def test_a_version_is_confirmed_before_it_answers_and_so_is_the_way_back(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    old = load_manifest(small_shop.workspace, small_shop.workspace.current.read_text().strip()).index_version
    new, board = other_version(small_shop), board_of(small_shop)

    async def scene() -> None:
        async with client_of(assemble_inline(small_shop, config)) as client:
            publishing = asyncio.to_thread(publish_confirmed, small_shop.workspace, board, new, 3, WAIT)
            versions = await asked_until(client, asyncio.create_task(publishing))
            assert versions == sorted(versions, key=[old, new].index)
            assert {*versions} == {old, new}
            (state,) = board.states().values()
            assert new in state.prepared
            going_back = asyncio.to_thread(rollback_confirmed, small_shop.workspace, board, WAIT)
            versions = await asked_until(client, asyncio.create_task(going_back))
            assert versions == sorted(versions, key=[new, old].index)
            assert versions[-1] == old
            await asyncio.sleep(1.2)  # the next report
            counted = board.counts()
            assert counted[old].requests > 0
            assert counted[new].requests > 0
            assert counted[old].failures == counted[new].failures == 0

    asyncio.run(scene())
    assert board.states() == {}


def test_a_version_whose_bytes_a_replica_finds_altered_is_never_published(
    small_shop: SmallShop, config: ServeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = small_shop.workspace.current.read_text().strip()
    new, board = other_version(small_shop), board_of(small_shop)
    # The publisher's own check is passed over: what the replica reads is what counts here.
    monkeypatch.setattr("cluster.confirmed_publish.verify", lambda workspace, version: None)
    manifest = load_manifest(small_shop.workspace, new)
    flip(small_shop.workspace.index_version(new) / manifest.files[1].path)

    async def scene() -> None:
        async with client_of(assemble_inline(small_shop, config)) as client:
            with pytest.raises(GateError, match="refuses"):
                await asyncio.to_thread(publish_confirmed, small_shop.workspace, board, new, 3, WAIT)
            assert await ask(client) == old

    asyncio.run(scene())
    assert small_shop.workspace.current.read_text().strip() == old


def flip(file: Path) -> None:
    """Alter one bit of a file."""
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_every_list_is_in_the_log_of_answers(small_shop: SmallShop, config: ServeConfig) -> None:
    async def scene() -> list[str]:
        given = []
        async with client_of(assemble_inline(small_shop, config)) as client:
            for number in range(5):
                body = {"visitor_id": f"v{number}", "n": 3}
                answer = (await client.post("/v1/recommend", json=body)).json()
                given.append(answer["recommendation_id"])
        return given

    given = asyncio.run(scene())
    store = AnswerStore(open_serving_database(f"sqlite:///{small_shop.workspace.serving_database}"))
    logged = list(store.scan())
    assert [one.recommendation_id for one in logged] == given
    assert [one.unit for one in logged] == [f"visitor:v{number}" for number in range(5)]
    assert all(len(one.item_ids) == 3 for one in logged)


def test_a_log_that_takes_no_answers_fails_no_list(small_shop: SmallShop, config: ServeConfig) -> None:
    class Full(AnswerStore):
        def append(self, answers: object) -> None:
            raise RecsysError("the disk is full")

    service = assemble_inline(small_shop, config)
    service.journal._store = Full(open_serving_database("sqlite://"))

    async def scene() -> None:
        async with client_of(service) as client:
            for _ in range(3):
                await ask(client)
                await asyncio.sleep(0.3)

    asyncio.run(scene())


def test_answers_that_are_too_old_are_forgotten(small_shop: SmallShop, config: ServeConfig) -> None:
    store = AnswerStore(open_serving_database(f"sqlite:///{small_shop.workspace.serving_database}"))
    store.append([AnswerRecord("old", 1, "user:a", "home", "v", ("i",))])

    async def scene() -> None:
        async with client_of(assemble_inline(small_shop, config)) as client:
            await ask(client)
            await asyncio.sleep(0.6)

    asyncio.run(scene())
    assert [one.recommendation_id != "old" for one in store.scan()] == [True]
