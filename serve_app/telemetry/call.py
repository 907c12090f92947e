"""A call from one deployment to another goes on under the same request id and trace.

Serve does not carry them over its handles. They travel as one more argument, which the called method's
`continued` takes off again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from recsys.errors import InputError, RecsysError
from serve_app.telemetry.request_record import RequestRecord, current_request, request_in_hand
from serve_app.telemetry.spans import TRACEPARENT, received_span, traceparent

P = ParamSpec("P")
T = TypeVar("T")
Carrier = Mapping[str, str]
REQUEST_ID = "request_id"
NOTHING: Carrier = {}
log = logging.getLogger(__name__)


def carried() -> Carrier:
    """What a call takes along, as its argument `carried`: the request's id, and its span where it has one."""
    record = current_request()
    if record is None:
        return NOTHING
    parent = traceparent()
    return {REQUEST_ID: record.request_id} | ({TRACEPARENT: parent} if parent else {})


def continued(name: str) -> Callable[[Callable[P, Awaitable[T]]], Callable[..., Awaitable[T]]]:
    """A deployment's method that other deployments call; `name` is its span's, as in `shard.search`.

    At level debug each call is a log line with its time; a failure that is not the caller's is a warning.
    An error that nobody foresaw leaves as its type alone: Serve writes what it passes on into Ray's logs,
    and messages may quote what was asked.
    """

    def wrap(function: Callable[P, Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        @wraps(function)
        async def wrapped(*args: Any, carried: Carrier = NOTHING, **kwargs: Any) -> T:
            with _on_behalf(carried), received_span(name, carried, sampled_only=True):
                start = time.perf_counter()
                try:
                    answer = await function(*args, **kwargs)
                except InputError:
                    raise
                except (RecsysError, TimeoutError) as error:
                    log.warning("%s failed: %s", name, type(error).__name__)
                    raise
                except Exception as error:
                    log.error("%s failed", name, exc_info=error)
                    raise RuntimeError(f"{name} failed: {type(error).__name__}") from None
                if log.isEnabledFor(logging.DEBUG):
                    log.debug("%s %.1f ms", name, 1e3 * (time.perf_counter() - start))
                return answer

        return wrapped

    return wrap


def _on_behalf(carried: Carrier) -> AbstractContextManager[None]:
    if REQUEST_ID not in carried:
        return nullcontext()
    return request_in_hand(RequestRecord(carried[REQUEST_ID]))
