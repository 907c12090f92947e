"""How long each stage of a request takes.

The histogram of the request that is answered is found through a context variable, which tasks inherit: the
stages' own code needs neither a metrics object nor a change of its signatures, and costs two readings of a
clock. Work outside a request (start-up, refreshing) is not counted. In a traced request a stage is a span.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from types import TracebackType
from typing import ParamSpec, TypeVar

from prometheus_client import Histogram

from serve_app.telemetry import span

P = ParamSpec("P")
T = TypeVar("T")
STAGES = ("profile", "encode", "retrieve", "ladder", "arrange", "last_look", "explain")
"""Parts of a request in their order; `ladder` contains searches of its own."""
_SECONDS: ContextVar[Histogram | None] = ContextVar("stage_seconds", default=None)


@contextmanager
def stages_into(seconds: Histogram) -> Iterator[None]:
    """Count the stages inside the block, and in tasks that it starts, in `seconds{stage}`."""
    token = _SECONDS.set(seconds)
    try:
        yield
    finally:
        _SECONDS.reset(token)


class Stage:
    """Times a block as one stage, also where it raises: `with Stage("encode"): ...`."""

    __slots__ = ("_name", "_span", "_start")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._start = time.perf_counter()
        self._span = span(self._name)
        self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._span.__exit__(kind, error, at)
        if (seconds := _SECONDS.get()) is not None:
            seconds.labels(self._name).observe(time.perf_counter() - self._start)


def timed(name: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Times every call of a coroutine function as one stage."""

    def wrap(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @wraps(function)
        async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            with Stage(name):
                return await function(*args, **kwargs)

        return wrapped

    return wrap
