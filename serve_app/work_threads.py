"""Which threads do what blocks, so that a store that hangs takes none from lists."""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import cache, partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
STORE_THREADS = 32
"""About ten are what runs in the background; the rest are writes and what operators ask."""


async def on_thread(threads: Executor, call: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Like `asyncio.to_thread`, on given threads; one that was cancelled in time is not begun."""
    context = contextvars.copy_context()
    bound = partial(call, *arguments, **named)
    return await asyncio.get_running_loop().run_in_executor(threads, lambda: context.run(bound))


@cache
def scan_threads() -> ThreadPoolExecutor:
    """Threads of this process that search shards and read index files, and never a database."""
    return ThreadPoolExecutor(min(32, (os.cpu_count() or 1) + 4), "scan")


def make_room_for_stores() -> None:
    """Give the running loop enough threads of its own that calls of a hanging store leave some over."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(STORE_THREADS, "store"))
