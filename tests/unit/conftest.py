"""Guards that keep unit tests unit: no Ray, no sleeping, no sockets."""

from __future__ import annotations

import socket
import time
from typing import Any, NoReturn

import pytest


@pytest.fixture(autouse=True)
def _unit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("a unit test may not start Ray, sleep or open a connection")

    monkeypatch.setattr("ray.init", refuse)
    monkeypatch.setattr(time, "sleep", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
