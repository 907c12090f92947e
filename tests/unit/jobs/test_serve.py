"""Which port has to be free before the service starts."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import jobs.serve
from jobs.bench.service import free_port
from jobs.serve import Shop, running_service, running_services, take_down, wait_for_stop
from recsys.config import RuntimeConfig, ServeConfig
from recsys.errors import CapacityError, ConfigError
from serve_app import app


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: Any, **kwargs: Any) -> nullcontext[None]:
        return nullcontext()

    monkeypatch.setattr(jobs.serve, "connect", connect)
    monkeypatch.setattr(app, "start", lambda runtime, config: "http://there")


@pytest.fixture(autouse=True)
def stops(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many shops each stop was told of."""
    found: list[int] = []
    monkeypatch.setattr(app, "stop", lambda *shops: found.append(len(shops)))
    return found


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def test_a_taken_port_is_refused_where_we_listen_ourselves(tmp_path: Path, taken: int) -> None:
    with (
        pytest.raises(ConfigError, match="cannot listen"),
        running_service(RuntimeConfig(workspace=tmp_path), ServeConfig(port=taken)),
    ):
        pass


def test_on_a_cluster_a_service_that_listens_already_is_taken_over(tmp_path: Path, taken: int) -> None:
    runtime = RuntimeConfig(workspace=tmp_path, address="auto")
    with running_service(runtime, ServeConfig(port=taken)) as url:
        assert url == "http://there"


@pytest.mark.parametrize(("address", "taken_down"), [("auto", []), (None, [1])])
def test_a_start_that_fails_takes_nothing_down_that_a_cluster_serves(
    tmp_path: Path,
    stops: list[int],
    monkeypatch: pytest.MonkeyPatch,
    address: str | None,
    taken_down: list[int],
) -> None:
    def too_small(*_: Any) -> str:
        raise CapacityError("the cluster is too small")

    monkeypatch.setattr(app, "start", too_small)
    runtime = RuntimeConfig(workspace=tmp_path, address=address)
    with pytest.raises(CapacityError), running_service(runtime, ServeConfig(port=free_port())):
        pass
    assert stops == taken_down


@pytest.mark.parametrize("kept", [True, False])
def test_a_service_goes_on_only_where_it_is_kept(tmp_path: Path, stops: list[int], kept: bool) -> None:
    shop = Shop(RuntimeConfig(workspace=tmp_path, address="auto"), ServeConfig())
    with running_services([shop]) as running:
        running.kept = kept
    assert stops == ([] if kept else [1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_ended_the_wait_is_told(number: signal.Signals) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    timer = threading.Timer(0.1, os.kill, (os.getpid(), number))
    try:
        timer.start()
        assert wait_for_stop() is number
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before[0])
        signal.signal(signal.SIGTERM, before[1])


def test_a_service_of_a_cluster_is_taken_down_by_its_address(stops: list[int]) -> None:
    with pytest.raises(ConfigError, match="--address"):
        take_down(None)
    assert stops == []
    take_down("auto")
    assert stops == [0]
