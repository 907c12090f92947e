"""A door ends a connection when another door has fewer, not when it is alone or level."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from serve_app.even_doors import COUNT, LOOK_S, SETTLE_S, EvenDoors
from tests.unit.serve_app.clock import Clock


async def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/", hello)])


def other_door(folder: Path, pid: int, connections: int) -> Path:
    """What a door in another process would have written."""
    file = folder / f"{pid}.connections"
    file.write_bytes(COUNT.pack(connections))
    return file


@pytest.mark.parametrize(
    ("own", "others", "ends"), [(6, 2, True), (4, 4, False), (5, 4, False), (2, 6, False)]
)
def test_the_one_with_more_ends_one(tmp_path: Path, own: int, others: int, ends: bool) -> None:
    other_door(tmp_path, os.getppid(), others)
    assert EvenDoors(APP, lambda: own, tmp_path, Clock()).must_end() == ends
    assert COUNT.unpack((tmp_path / f"{os.getpid()}.connections").read_bytes()) == (own,)


def test_a_door_alone_ends_nothing_and_forgets_doors_that_died(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    file = other_door(tmp_path, dead.pid, 0)
    assert not EvenDoors(APP, lambda: 100, tmp_path, Clock()).must_end()
    assert not file.exists()


def test_one_at_a_time_and_new_doors_are_seen(tmp_path: Path) -> None:
    clock = Clock()
    doors = EvenDoors(APP, lambda: 9, tmp_path, clock)
    assert not doors.must_end()
    other_door(tmp_path, os.getppid(), 0)
    assert not doors.must_end(), "looked for a moment ago"
    clock.now += LOOK_S
    assert doors.must_end()
    assert not doors.must_end(), "the client has to come back first"
    clock.now += SETTLE_S
    assert doors.must_end()


def test_the_answer_is_whole_and_says_that_it_is_the_last(tmp_path: Path) -> None:
    other_door(tmp_path, os.getppid(), 0)
    doors = EvenDoors(APP, lambda: 9, tmp_path, Clock())

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(doors), base_url="http://door") as client:
            return [await client.get("/") for _ in range(2)]

    first, second = asyncio.run(ask())
    assert [first.text, second.text] == ["hello", "hello"]
    assert first.headers["connection"] == "close"
    assert "connection" not in second.headers
