"""A canary through a shop's life: erased, it is in no byte of the workspace and in no answer, ever after.

Restart, the old file imported again, an older copy of the workspace put back, a refit and its publication.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from jobs.eraser import eraser_of
from jobs.learning import run_fit
from recsys.config import FitConfig, IndexConfig, RuntimeConfig, ServeConfig
from recsys.index import current_version, load_manifest
from tests.byte_scan import places
from tests.canary import CANARY, DEVICE, EXPERIMENT, WORDS, copied, imported, old_file, put_back, write_log
from tests.serve.conftest import SmallShop, assemble_inline, client_of

ASKED = {"n": 5}


async def listed(client: httpx.AsyncClient, who: dict[str, str]) -> list[str]:
    """Items of a list; its impression is sent back."""
    answer = await client.post("/v1/recommend", json={**who, **ASKED})
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    return [item["item_id"] for item in shown["items"]]


async def live_as_canary(client: httpx.AsyncClient) -> None:
    """Lists under an experiment, with impressions; the lists are in the log when it returns."""
    (await client.put("/v1/experiments/e", json=EXPERIMENT)).raise_for_status()
    await asyncio.sleep(0.7)
    for who in ({"user_id": CANARY}, {"visitor_id": DEVICE}):
        item = (await listed(client, who))[0]
        event = {**who, "item_id": item, "event_type": "impression", "session_id": "sess-q7zx"}
        (await client.post("/v1/events:batch", json={"events": [event]})).raise_for_status()
    await asyncio.sleep(0.6)


async def require_gone(client: httpx.AsyncClient, shop: SmallShop) -> None:
    """In no byte and no answer; asked for, the canary is a stranger, whose new lists are forgotten again."""
    assert places(shop.workspace.root, WORDS) == {}
    for path in ("/v1/jobs", "/v1/audit", "/v1/experiments/e/results", "/v1/reviews", "/metrics"):
        said = (await client.get(path)).text.lower()
        assert not [word for word in WORDS if word in said], path
    stranger = await listed(client, {"user_id": "never-seen"})
    for who in ({"user_id": CANARY}, {"visitor_id": DEVICE}):
        assert await listed(client, who) == stranger
    for kind, name in (("user", CANARY), ("visitor", DEVICE)):
        (await client.delete(f"/v1/users/{name}", params={"kind": kind})).raise_for_status()
    await asyncio.sleep(0.6)
    assert places(shop.workspace.root, WORDS) == {}


@pytest.mark.timeout(300)
def test_an_erased_person_is_in_no_byte_ever_after(
    small_shop: SmallShop, config: ServeConfig, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop, root, outside = small_shop, small_shop.workspace.root, tmp_path_factory.mktemp("outside")
    file = old_file(outside)
    before = imported(shop.workspace, file)
    assert (before["appended"], before["erased"]) == (33, 0)
    write_log(root)
    backup = copied(root, outside / "backup")

    async def erased() -> None:
        async with client_of(assemble_inline(shop, config)) as client:
            await live_as_canary(client)
            where = {name.split("/")[0].removesuffix("-wal") for name in places(root, WORDS)}
            assert where == {"recsys.db", "serving.db", "quarantine", "loop"}
            answer = (await client.delete(f"/v1/users/{CANARY}")).json()
            assert (answer["clean"], answer["refused_rows"], answer["answers"]) == (True, 4, 2)
            await require_gone(client, shop)

    async def still_gone() -> None:
        async with client_of(assemble_inline(shop, config)) as client:
            await require_gone(client, shop)

    asyncio.run(erased())
    asyncio.run(still_gone())
    again = imported(shop.workspace, file)
    assert (again["appended"], again["erased"]) == (0, 33)
    asyncio.run(still_gone())
    restore(shop, backup)
    asyncio.run(still_gone())
    refit(shop)
    asyncio.run(still_gone())


def restore(shop: SmallShop, backup: Path) -> None:
    """An older copy over everything but the ledger, which then purges it."""
    put_back(backup, shop.workspace.root)
    assert places(shop.workspace.root, WORDS)
    eraser = eraser_of(RuntimeConfig(workspace=shop.workspace.root))
    assert eraser.unapplied()
    assert eraser.replay().events == 33
    assert not eraser.unapplied()


def refit(shop: SmallShop) -> None:
    """A version that learned from what is left, and says of which erasures it knows."""
    old = current_version(shop.workspace)
    assert load_manifest(shop.workspace, old).last_erasure is None
    runtime = RuntimeConfig(workspace=shop.workspace.root)
    fit, index = FitConfig(num_trials=4), IndexConfig(num_shards=2)
    run_fit(runtime, fit, index, shop.encoder.version, True, lambda text: None)
    manifest = load_manifest(shop.workspace, current_version(shop.workspace))
    assert manifest.index_version != old
    assert manifest.last_erasure == shop.events.last_erasure()
