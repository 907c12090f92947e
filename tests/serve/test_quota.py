"""Daily quotas over HTTP: what counts, what answers say, restarts, replicas, a database that is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cluster.database import limited_engine, open_database
from cluster.key_store import KeyStore
from cluster.key_usage import UsageStore
from recsys.access import DailyQuota, NewKey, RateLimit, Scope, day_of
from recsys.config import ServeConfig
from serve_app.key_watch import KeyWatch
from serve_app.usage_watch import UsageWatch
from tests.postgres import private_server
from tests.serve.conftest import SmallShop, assemble_inline, client_of
from tests.serve.test_hanging_database import LIMITS, silent_url, stopped

SEARCH = {"text": "kettle", "n": 1}
NEVER_S = 3_600.0
"""A pause after which no exchange happens by itself within a test."""
LAST_MINUTE_US = day_of(1_800_000_000_000_000) * 86_400_000_000 + 86_340_500_000
"""59.5 seconds before midnight UTC."""
Scene = Callable[[httpx.AsyncClient], Awaitable[None]]


class Clock:
    """Microseconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now_us = LAST_MINUTE_US

    def __call__(self) -> int:
        return self.now_us


class Shop:
    """The small shop behind keys, with its counts in a folder of the test's choice and a clock of its own."""

    def __init__(self, small: SmallShop, config: ServeConfig, memory: Path) -> None:
        self.small, self.config, self.memory, self.clock = small, config, memory, Clock()
        engine = open_database(small.workspace.database_url)
        self.keys, self.usage = KeyStore(engine), UsageStore(engine)

    def key(self, *, quota: int | None = None, rate: RateLimit | None = None) -> NewKey:
        most = None if quota is None else DailyQuota(quota)
        return self.keys.create("web shop", list(Scope), rate=rate, quota=most)

    def play(self, *scenes: Scene, memory: str = "a", usage: UsageStore | None = None) -> None:
        """One life of a service: each scene gets a client of a replica of its own, all at the same time."""

        async def one(scene: Scene) -> None:
            service = assemble_inline(self.small, self.config)
            service.keys = KeyWatch(self.keys, 0.05)
            counts = self.memory / memory
            service.usage = UsageWatch(usage or self.usage, counts, NEVER_S, self.clock)
            async with client_of(service) as client:
                await scene(client)

        async def run() -> None:
            await asyncio.gather(*(one(scene) for scene in scenes))

        asyncio.run(run())

    def counted(self) -> list[int]:
        return [use.requests for use in self.usage.since(0)]


@pytest.fixture
def shop(small_shop: SmallShop, config: ServeConfig, tmp_path: Path) -> Shop:
    return Shop(small_shop, config, tmp_path / "memory")


async def ask(client: httpx.AsyncClient, key: NewKey, path: str = "/v1/search") -> httpx.Response:
    headers = {"Authorization": f"Bearer {key.text}"}
    return await client.post(path, json=SEARCH, headers=headers)


def told(answer: httpx.Response) -> tuple[str | None, ...]:
    names = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
    return tuple(answer.headers.get(name) for name in names)


def test_answers_tell_the_quota_and_beyond_it_when_it_ends(shop: Shop) -> None:
    key, free = shop.key(quota=3), shop.key()

    async def scene(client: httpx.AsyncClient) -> None:
        answers = [await ask(client, key) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        left = ["2", "1", "0", "0", "0"]
        assert [told(answer) for answer in answers] == [("3", one, "60") for one in left]
        refused = answers[-1]
        assert refused.headers["Retry-After"] == "60"
        assert refused.json() == {
            "type": "QuotaError",
            "message": "this key's quota of the day is used up; expected at most 3 requests a UTC day, "
            "the next from 2027-01-16T00:00:00Z",
            "request_id": refused.headers["X-Request-Id"],
        }
        assert told(await ask(client, free)) == (None, None, None)
        shop.clock.now_us += 60_000_000
        answer = await ask(client, key)
        assert (answer.status_code, told(answer)) == (200, ("3", "2", str(86_400)))

    shop.play(scene)
    today = day_of(LAST_MINUTE_US)
    assert {(use.day - today, use.key_id, use.requests) for use in shop.usage.since(0)} == {
        (0, key.key.key_id, 3),
        (0, free.key.key_id, 1),
        (1, key.key.key_id, 1),
    }


def test_what_counts_is_what_passes_the_rate_whatever_became_of_it(shop: Shop) -> None:
    key = shop.key(quota=10, rate=RateLimit(0.001, 4))
    narrow = shop.keys.create("narrow", [Scope.METRICS], quota=DailyQuota(10))
    events = [
        {"event_id": f"e{number}", "user_id": "u", "item_id": "item-00001", "event_type": "view"}
        for number in range(3)
    ]

    async def scene(client: httpx.AsyncClient) -> None:
        headers = {"Authorization": f"Bearer {key.text}"}
        batch = await client.post("/v1/events:batch", json={"events": events}, headers=headers)
        invalid = await client.post("/v1/search", json={"no": 1}, headers=headers)
        unknown = await ask(client, key, "/v1/nowhere")
        last = await ask(client, key)
        beyond = await ask(client, key)
        answers = [batch, invalid, unknown, last, beyond]
        assert [one.status_code for one in answers] == [200, 422, 404, 200, 429]
        assert [told(one)[1] for one in answers] == ["9", "8", "7", "6", "6"]
        assert beyond.json()["type"] == "OverloadedError"
        assert beyond.headers["Retry-After"] != "60"
        uncounted = await ask(client, narrow), await client.get("/healthz", headers=headers)
        assert [(one.status_code, told(one)[0]) for one in uncounted] == [(403, None), (200, None)]

    shop.play(scene)
    assert shop.counted() == [4]


def test_two_replicas_of_a_machine_share_one_quota(shop: Shop) -> None:
    key, statuses = shop.key(quota=7), list[int]()

    async def scene(client: httpx.AsyncClient) -> None:
        statuses.extend([(await ask(client, key)).status_code for _ in range(6)])

    shop.play(scene, scene)
    assert sorted(statuses) == [200] * 7 + [429] * 5
    assert shop.counted() == [7]


@pytest.mark.parametrize("memory", ["a", "b"], ids=["the same memory", "a new machine"])
def test_a_restart_keeps_the_count(shop: Shop, memory: str) -> None:
    key, left = shop.key(quota=4), list[str | None]()

    async def scene(client: httpx.AsyncClient) -> None:
        left.extend([told(await ask(client, key))[1] for _ in range(3)])

    shop.play(scene)
    shop.play(scene, memory=memory)
    assert left == ["3", "2", "1", "0", "0", "0"]
    assert shop.counted() == [4]


def test_a_database_that_hangs_costs_no_request_and_what_was_counted_is_told_later(shop: Shop) -> None:
    key = shop.key(quota=100)

    async def scene(client: httpx.AsyncClient) -> None:
        answers = [await ask(client, key) for _ in range(10)]
        assert [answer.status_code for answer in answers] == [200] * 10
        assert [told(answer)[1] for answer in answers] == [str(99 - number) for number in range(10)]

    with silent_url() as url:
        shop.play(scene, usage=UsageStore(limited_engine(url, LIMITS)))
    assert shop.counted() == []

    async def again(client: httpx.AsyncClient) -> None:
        assert told(await ask(client, key))[1] == "89"

    shop.play(again)
    assert shop.counted() == [11]


@pytest.mark.timeout(120)
def test_a_server_that_stops_in_the_middle_gets_every_request_when_it_goes_on(shop: Shop) -> None:
    key = shop.key(quota=1_000)
    with private_server() as url:
        usage = UsageStore(open_database(url, LIMITS))
        service = assemble_inline(shop.small, shop.config)
        service.keys = KeyWatch(shop.keys, 0.05)
        service.usage = UsageWatch(usage, shop.memory, 0.05, shop.clock)

        async def until(requests: int) -> None:
            async with asyncio.timeout(60.0):
                while [use.requests for use in await asyncio.to_thread(usage.since, 0)] != [requests]:
                    await asyncio.sleep(0.05)

        async def scene() -> None:
            async with client_of(service) as client:
                assert (await ask(client, key)).status_code == 200
                await until(1)
                with stopped(url):
                    answers = [await ask(client, key) for _ in range(40)]
                    assert {answer.status_code for answer in answers} == {200}
                await until(41)

        asyncio.run(scene())


def test_a_page_of_a_named_origin_can_read_what_is_left(
    small_shop: SmallShop, config: ServeConfig, tmp_path: Path
) -> None:
    origin = "https://shop.example"
    shop = Shop(small_shop, config.model_copy(update={"cors_origins": (origin,)}), tmp_path / "memory")
    key = shop.key(quota=1)

    async def scene(client: httpx.AsyncClient) -> None:
        client.headers["Origin"] = origin
        for status in (200, 429):
            answer = await ask(client, key)
            exposed = answer.headers["access-control-expose-headers"].split(", ")
            assert (answer.status_code, told(answer)[1]) == (status, "0")
            assert {"RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"} <= set(exposed)
        asked = {"Access-Control-Request-Method": "POST"}
        assert (await client.options("/v1/search", headers=asked)).status_code == 200

    shop.play(scene)
    assert shop.counted() == [1]


def test_refusals_are_counted_by_the_limit_and_name_no_key(shop: Shop) -> None:
    daily, fast = shop.key(quota=1), shop.key(rate=RateLimit(0.001, 1))

    async def scene(client: httpx.AsyncClient) -> None:
        for key in (daily, daily, fast, fast, fast):
            await ask(client, key)
        asked = {"Authorization": f"Bearer {shop.key().text}"}
        async with asyncio.timeout(30.0):
            while (answer := await client.get("/metrics", headers=asked)).status_code != 200:
                await asyncio.sleep(0.01)
        found = {
            sample.labels["limit"]: sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == "recsys_key_refusals_total"
        }
        assert found == {"quota": 1.0, "rate": 2.0}
        assert not any(key.key.key_id in answer.text for key in (daily, fast))

    shop.play(scene)
