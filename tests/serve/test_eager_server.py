"""Connections are taken as they come, however long a turn of the loop is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from jobs.bench.service import free_port
from recsys.config import ServeConfig
from serve_app.http_door import HttpDoor

WAITING = 40
TURNS = 5


@pytest.fixture
def door(tmp_path: Path) -> Iterator[tuple[HttpDoor, int]]:
    api, port = FastAPI(), free_port()

    @api.get("/blocked")
    async def blocked() -> int:
        with ExitStack() as stack:
            for _ in range(WAITING):  # the kernel connects them while this turn lasts
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            for _ in range(TURNS):
                await asyncio.sleep(0)
            return served.num_connections()

    async def prepare() -> None:
        await asyncio.sleep(0)

    served = HttpDoor(api, prepare, ServeConfig(port=port), tmp_path)
    yield served, port
    served.close()


def test_all_that_wait_are_taken_within_a_few_turns(door: tuple[HttpDoor, int]) -> None:
    assert httpx.get(f"http://127.0.0.1:{door[1]}/blocked").json() == WAITING + 1


def test_a_closed_door_lets_its_port_go(door: tuple[HttpDoor, int]) -> None:
    served, port = door
    assert httpx.get(f"http://127.0.0.1:{port}/none").status_code == 404
    served.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5.0)


def test_a_door_without_files_left_rests_and_then_goes_on(
    door: tuple[HttpDoor, int], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    url, failed = f"http://127.0.0.1:{door[1]}/none", time.monotonic()

    def full(_: socket.socket) -> tuple[socket.socket, object]:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "accept", full)
        with socket.create_connection(("127.0.0.1", door[1])):
            while "no connection can be taken" not in caplog.text and time.monotonic() - failed < 5.0:
                time.sleep(0.01)
    assert "no connection can be taken" in caplog.text
    assert httpx.get(url, timeout=10.0).status_code == 404
