"""Which port has to be free before the service starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import jobs.serve
from jobs.serve import running_service
from recsys.config import RuntimeConfig, ServeConfig
from recsys.errors import ConfigError
from serve_app import app


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*args: Any, **kwargs: Any) -> nullcontext[None]:
        return nullcontext()

    monkeypatch.setattr(jobs.serve, "connect", connect)
    monkeypatch.setattr(app, "start", lambda runtime, config: "http://there")
    monkeypatch.setattr(app, "stop", lambda *shops: None)


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
