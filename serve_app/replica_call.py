"""One call to a deployment: a deadline, and another replica where the first died with the call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

ATTEMPTS = 3
PAUSE_S = 0.01


def unanswered() -> tuple[type[Exception], type[Exception]]:
    """What a call raises that no replica answered, beside `TimeoutError`.

    Asked where something was raised: lists that are made without Ray do not load it.
    """
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    return (RayError, RayServeException)


async def answered(call: Callable[[], Awaitable[Any]], timeout_s: float) -> Any:
    """What the deployment answers; raises `TimeoutError`, or one of `unanswered`.

    Serve itself sends a call to another replica as long as none has taken it. One that was taken by a
    replica that then died is made again here, within the same deadline, so `call` must bear being
    made twice. What the callee itself raises passes through.
    """
    async with asyncio.timeout(timeout_s):
        for attempt in range(ATTEMPTS):
            try:
                return await call()
            except _died() as error:
                if attempt + 1 == ATTEMPTS:
                    raise _named(error) from error
            await asyncio.sleep(PAUSE_S)
    raise AssertionError("unreachable")


def _died() -> tuple[type[Exception], type[Exception]]:
    """What a call raises whose replica died with it."""
    import grpc
    from ray.exceptions import RayActorError

    return (RayActorError, grpc.RpcError)


def _named(error: Exception) -> Exception:
    """An error of Ray; those of gRPC are no errors of Ray's."""
    from ray.exceptions import RayActorError
    from ray.serve.exceptions import RayServeException

    if isinstance(error, RayActorError):
        return error
    return RayServeException(f"the replica's connection broke: {error}")
