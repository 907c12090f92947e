"""The brute-force check of a simulation agrees with what is served, and tells versions apart."""

from __future__ import annotations

import httpx

from jobs.simulation.oracle import Version
from serve_app.service import ShopService
from tests.serve.conftest import SmallShop
from tests.serve.test_api import ids, play, post


def test_served_lists_are_the_versions_best_and_no_others(
    service: ShopService, small_shop: SmallShop
) -> None:
    version = Version.read(small_shop.workspace, small_shop.workspace.current.read_text().strip())

    async def scene(client: httpx.AsyncClient) -> None:
        for number in (1, 17, 101):
            item_id = f"item-{number:05d}"
            answer = await post(client, "/v1/similar", {"item_id": item_id, "n": 10})
            assert answer["index_version"] == version.index_version
            listed = ids(answer)
            assert version.agrees(item_id, listed)
            worse = next(i for i in reversed(version.item_ids) if i not in listed and i != item_id)
            assert not version.agrees(item_id, [*listed[:-1], worse])
            assert not version.agrees(item_id, [*listed[:-1], listed[0]])
            assert not version.agrees(item_id, [*listed[:-1], "nothing"])

    play(service, scene)
