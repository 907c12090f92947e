"""Requests beyond what a replica takes are turned away at once, and those that watch it are not."""

from __future__ import annotations

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from serve_app.request_guard import RequestGuard
from serve_app.request_log import RequestLog
from tests.asgi import TurnTransport
from tests.unit.serve_app.clock import Clock

MOST = 3


def test_too_many_at_once_get_503_and_later_ones_are_let_in_again() -> None:
    asyncio.run(_crowd())


async def _crowd() -> None:
    release, entered = asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_: Request) -> PlainTextResponse:
        entered.release()
        await release.wait()
        return PlainTextResponse("done")

    async def health(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    routes = [Route("/slow", slow), Route("/healthz", health)]
    logged = RequestLog(Starlette(routes=routes))
    transport = TurnTransport(RequestGuard(logged, max_body_bytes=10, max_requests=MOST))
    async with httpx.AsyncClient(transport=transport, base_url="http://guard") as client:
        inside = [asyncio.create_task(client.get("/slow")) for _ in range(MOST)]
        for _ in range(MOST):
            await entered.acquire()
        refused, watched = await client.get("/slow"), await client.get("/healthz")
        release.set()
        let_in = [await task for task in inside]
        later = await client.get("/slow")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["type"] == "CapacityError"
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
    assert watched.status_code == 200
    assert [answer.status_code for answer in [*let_in, later]] == [200] * (MOST + 1)


def test_while_the_oldest_waits_long_nothing_is_let_in_beyond_what_is_worked_on() -> None:
    """Otherwise a full queue makes every answer late, and none of them is of use."""
    asyncio.run(_waiting())


async def _waiting() -> None:
    clock, release, entered = Clock(), asyncio.Event(), asyncio.Semaphore(0)

    async def slow(_: Request) -> PlainTextResponse:
        entered.release()
        await release.wait()
        return PlainTextResponse("done")

    guard = RequestGuard(Starlette(routes=[Route("/slow", slow)]), 10, 10, 2, 1.0, clock)
    async with httpx.AsyncClient(transport=TurnTransport(guard), base_url="http://guard") as client:
        inside: list[asyncio.Task[httpx.Response]] = []
        for wait_s in (0.0, 5.0, 0.5):  # one alone may take its time; so may two
            clock.now += wait_s
            if len(inside) < 2:
                inside.append(asyncio.create_task(client.get("/slow")))
                await entered.acquire()
        refused = await client.get("/slow")
        release.set()
        let_in = [await task for task in inside]
        later = await client.get("/slow")
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert [answer.status_code for answer in [*let_in, later]] == [200] * 3


def test_a_request_that_breaks_leaves_its_place() -> None:
    async def broken(_: Request) -> PlainTextResponse:
        raise RuntimeError

    async def ask() -> list[int]:
        app = Starlette(routes=[Route("/broken", broken)])
        guard = RequestGuard(app, max_body_bytes=10, max_requests=1)
        transport = TurnTransport(guard, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://guard") as client:
            return [(await client.get("/broken")).status_code for _ in range(3)]

    assert asyncio.run(ask()) == [500, 500, 500]


def test_requests_that_never_pause_are_turned_away_when_the_turn_has_lasted_long() -> None:
    """They do not meet: each is done before the next begins, and the last of them has waited for all."""
    asyncio.run(_without_a_pause(calm=100, let_in=3))


def test_no_more_requests_are_let_in_in_one_turn_than_a_replica_works_on() -> None:
    asyncio.run(_without_a_pause(calm=2, let_in=2))


async def _without_a_pause(calm: int, let_in: int) -> None:
    clock = Clock()

    async def busy(_: Request) -> PlainTextResponse:
        clock.now += 0.2
        return PlainTextResponse("done")

    app = Starlette(routes=[Route("/busy", busy)])
    guard = RequestGuard(app, 10, max_requests=100, calm_requests=calm, max_wait_s=1.0, clock=clock)
    async with httpx.AsyncClient(transport=TurnTransport(guard), base_url="http://guard") as client:
        for _ in range(2):  # a new turn begins with nothing behind it
            answers = await asyncio.gather(*(client.get("/busy") for _ in range(8)))
            assert [answer.status_code for answer in answers] == [200] * let_in + [503] * (8 - let_in)
        one_by_one = [await client.get("/busy") for _ in range(8)]
    assert [answer.status_code for answer in one_by_one] == [200] * 8
