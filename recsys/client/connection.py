"""What both clients know of a service: where it is, the key, and how httpx says that nobody answered."""

from __future__ import annotations

import platform
import random
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Self, TypeVar

import httpx

from recsys.client.call import Call
from recsys.client.config import ClientConfig, changed
from recsys.client.exchange import Attempt, Step, Told, Unanswered, exchange
from recsys.errors import ConfigError

T = TypeVar("T")

PACKAGE = "recsys-on-ray"
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What is raised before a byte of the request has left."""


@cache
def user_agent() -> str:
    """Who calls, in logs of services and proxies."""
    try:
        own = version(PACKAGE)
    except PackageNotFoundError:
        own = "unknown"
    return f"{PACKAGE}/{own} python/{platform.python_version()} httpx/{httpx.__version__}"


@dataclass(frozen=True)
class Address:
    """A service; raises `ConfigError` for what is no URL of one."""

    base_url: str
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        try:
            parts = httpx.URL(self.base_url)
        except httpx.InvalidURL as error:
            raise ConfigError("this is no URL", found=str(error), where="base_url") from error
        if parts.scheme not in ("http", "https") or not parts.host:
            raise ConfigError("this is no service's URL", expected="such as https://recsys.example:8000")

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        key = {} if self.api_key is None else {"authorization": f"Bearer {self.api_key}"}
        return {"accept": "application/json", "user-agent": user_agent(), **key}


class Caller:
    """What both clients have: a service, times, and dice for pauses."""

    def __init__(self, base_url: str, api_key: str | None, config: ClientConfig | None) -> None:
        self._address, self.config = Address(base_url, api_key), config or ClientConfig()
        self._rng = random.Random()

    @property
    def _limits(self) -> httpx.Limits:
        return httpx.Limits(max_connections=self.config.max_connections)

    def with_config(self, **changes: float) -> Self:
        """The client with other times or attempts (`ClientConfig`), over the same connections.

        Closing one of both closes both.
        """
        other = object.__new__(type(self))
        other.__dict__ = {**self.__dict__, "config": changed(self.config, changes)}
        return other

    def _exchange(self, call: Call[T]) -> Generator[Step, Told, T]:
        return exchange(call, self.config, self._address.headers, time.monotonic, self._rng)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._address.base_url!r})"


def request_of(http: httpx.Client | httpx.AsyncClient, attempt: Attempt) -> httpx.Request:
    """An attempt as httpx sends it."""
    call = attempt.call
    return http.build_request(
        call.method,
        call.path,
        params=list(call.query) or None,
        headers=dict(attempt.headers),
        content=call.body,
        timeout=attempt.timeout_s,
    )


def unanswered(error: httpx.RequestError) -> Unanswered:
    """An error of httpx as the exchange understands it."""
    return Unanswered(error, isinstance(error, httpx.TimeoutException), not isinstance(error, NOT_SENT))
