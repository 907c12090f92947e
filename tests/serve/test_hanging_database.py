"""A PostgreSQL that takes connections and says nothing: lists go on, events are refused in time."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy import Engine, make_url, text

from cluster.database import limited_engine, open_database, reading
from cluster.event_store import EventStore
from cluster.event_writer import EventWriter
from cluster.profile_store import ProfilePartition
from recsys.config import DatabaseLimits, ServeConfig
from recsys.errors import StoreError
from serve_app.breaker import CircuitBreaker
from serve_app.event_log import EventClient
from serve_app.profiles import READ_THREADS, InlineProfiles
from serve_app.service import ShopService
from tests.postgres import private_server
from tests.serve.conftest import SmallShop, assemble_inline, client_of

pytestmark = pytest.mark.timeout(120)
LIMITS = DatabaseLimits(connect_s=2, statement_s=0.5, lock_s=0.5, pool_s=1.0, gone_after_s=5)
REQUESTS = 20
EVENT = {"user_id": "u", "item_id": "item-00001", "event_type": "view", "occurred_at": "2026-03-01T00:00:00Z"}


@contextmanager
def silent_url() -> Iterator[str]:
    """A server that accepts and never answers: the kernel does the first, nobody the second."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"postgresql+psycopg://u:p@127.0.0.1:{server.getsockname()[1]}/shop"


class SilentLog:
    """The handle of an event log that does not answer either."""

    append: Any

    def __init__(self) -> None:
        self.append = self

    async def remote(self, *_: Any, **__: Any) -> None:
        await asyncio.Event().wait()


def over(engine: Engine, small: SmallShop, config: ServeConfig) -> ShopService:
    """The small shop's service with shoppers and events in another database."""
    events, log = EventStore(engine), SilentLog()
    profiles = InlineProfiles(ProfilePartition(events, config.profile), 0.2, CircuitBreaker(3, 0.2))
    service = assemble_inline(small, config, profiles)
    own: Any = EventClient(log, EventWriter(events), 0.1, 60.0, 0.3)  # type: ignore[arg-type]
    service.writes.events = own
    return service


async def degraded_of(client: httpx.AsyncClient) -> list[str]:
    """What a shopper's list had to do without; requires a 200 with items."""
    answer = await client.post("/v1/recommend", json={"user_id": "u", "n": 5})
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["items"]) == 5
    found: list[str] = answer.json()["degraded"]
    return found


async def send(client: httpx.AsyncClient, event_id: str) -> httpx.Response:
    """One event."""
    return await client.post("/v1/events:batch", json={"events": [{**EVENT, "event_id": event_id}]})


async def require_lists_and_refusals(client: httpx.AsyncClient) -> None:
    """Lists without a profile and 503 for events, however many are asked for."""
    before = set(threading.enumerate())  # another test's may still be on their way out
    for number in range(REQUESTS):
        assert "no_profile" in await degraded_of(client)
        refused = await send(client, f"refused-{number}")
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    begun = [one.name for one in set(threading.enumerate()) - before]
    assert 0 < sum(name.startswith("profiles") for name in begun) <= READ_THREADS
    assert await asyncio.wait_for(asyncio.to_thread(lambda: True), 10.0), "no thread is left"


def test_a_silent_server_costs_profiles_and_events_and_no_list(
    small_shop: SmallShop, config: ServeConfig
) -> None:
    async def scene(url: str) -> None:
        async with client_of(over(limited_engine(url, LIMITS), small_shop, config)) as client:
            await require_lists_and_refusals(client)

    with silent_url() as url:
        asyncio.run(scene(url))


@pytest.fixture
def server() -> Iterator[str]:
    """A real server."""
    with private_server() as url:
        yield url


@contextmanager
def stopped(url: str) -> Iterator[None]:
    """Every process of the server stands still; connections stay, and new ones are taken by the kernel."""
    port = make_url(url).port
    parents = [
        one.pid for one in psutil.net_connections("tcp") if one.laddr.port == port and one.status == "LISTEN"
    ]
    first = psutil.Process(next(pid for pid in parents if pid is not None))
    processes = [first, *first.children(recursive=True)]
    for one in processes:
        os.kill(one.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in processes:
            os.kill(one.pid, signal.SIGCONT)


def test_a_server_that_hangs_and_comes_back_is_used_again_by_itself(
    server: str, small_shop: SmallShop, config: ServeConfig
) -> None:
    engine = open_database(server, LIMITS)

    async def scene() -> None:
        async with client_of(over(engine, small_shop, config)) as client:
            assert (await send(client, "before")).json()["appended"] == 1
            assert "no_profile" not in await degraded_of(client)
            with stopped(server):
                await require_lists_and_refusals(client)
            async with asyncio.timeout(60.0):
                while (await send(client, "after")).status_code != 200:
                    await asyncio.sleep(0.1)
                while "no_profile" in await degraded_of(client):
                    await asyncio.sleep(0.1)
            assert (await send(client, "before")).json()["duplicates"] == 1

    asyncio.run(scene())
    engine.dispose()


def test_the_server_itself_is_told_the_limits_and_jobs_have_none(server: str) -> None:
    def said(engine: Engine) -> list[str]:
        with reading(engine) as connection:
            asked = [text(f"SHOW {name}") for name in ("statement_timeout", "lock_timeout")]
            found = [str(connection.execute(one).scalar_one()) for one in asked]
        engine.dispose()
        return found

    assert said(limited_engine(server, LIMITS)) == ["500ms", "500ms"]
    assert said(limited_engine(server, DatabaseLimits())) == ["0", "0"]
    assert said(limited_engine(f"{server}?options=-c%20lock_timeout%3D7s", LIMITS)) == ["500ms", "7s"]


def test_a_connection_in_use_gives_up_when_its_server_stops_and_the_next_one_works(server: str) -> None:
    engine = limited_engine(server, LIMITS)

    def ask_while_it_stops() -> None:
        with reading(engine) as connection:
            connection.execute(text("SELECT 1"))
            with stopped(server):
                connection.execute(text("SELECT 2"))

    with pytest.raises(StoreError, match="said nothing for"):
        ask_while_it_stops()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT 3")).scalar_one() == 3
    engine.dispose()
