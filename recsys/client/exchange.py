"""What happens between a call and its answer: attempts, pauses, the deadline. It touches no socket.

`exchange` is a generator that asks to be sent things and to be paused, and is told what came of it. The
synchronous and the asynchronous client differ only in how they do what it asks.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from recsys.client.answers import answer_of, failure_of
from recsys.client.call import Call
from recsys.client.config import ClientConfig
from recsys.client.errors import BusyError, LateError, Refusal, ServiceError, UnreachableError

T = TypeVar("T")
MOST_DOUBLINGS = 60
"""Beyond this every pause is the longest, and a float is still a float."""


@dataclass(frozen=True)
class Attempt:
    """Asks for a call to be sent; it wants `Received` or `Unanswered`."""

    call: Call[Any]
    headers: Mapping[str, str]
    timeout_s: float


@dataclass(frozen=True)
class Pause:
    """Asks for time to pass; it wants nothing."""

    seconds: float


@dataclass(frozen=True)
class Received:
    """An answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """By names in lower case, or with none that matter by their case."""
    body: bytes


@dataclass(frozen=True)
class Unanswered:
    """Why no answer came."""

    error: Exception
    late: bool
    """Whether time ran out."""
    sent: bool
    """Whether the service may have got the request."""


Step = Attempt | Pause
Told = Received | Unanswered | None


def exchange(
    call: Call[T],
    config: ClientConfig,
    headers: Mapping[str, str],
    clock: Callable[[], float],
    rng: random.Random,
) -> Generator[Step, Told, T]:
    """Send `call` until it is answered, refused, or out of attempts or time; raises a `ServiceError`.

    All attempts have one request id, and the same body. A call that is not repeatable is sent again only
    where it never reached the service.
    """
    end = clock() + config.deadline_s
    request_id = uuid4().hex
    sent = {**headers, **call.headers, "x-request-id": request_id}
    for number in range(1, config.max_attempts + 1):
        told = yield Attempt(call, sent, max(min(config.timeout_s, end - clock()), 1e-3))
        assert told is not None
        if isinstance(told, Received) and (200 <= told.status < 300 or told.status in call.answers):
            return answer_of(call, told.status, told.headers, told.body, request_id)
        failure = _failure(call, told, request_id)
        pause_s = _pause_s(failure, number, config, rng)
        again = number < config.max_attempts and _may_repeat(call, told, failure)
        if not again or clock() + pause_s >= end:
            raise failure
        yield Pause(pause_s)
    raise AssertionError("unreachable")


def _failure(call: Call[Any], told: Received | Unanswered, request_id: str) -> ServiceError:
    if isinstance(told, Received):
        return failure_of(call.route, told.status, told.headers, told.body, request_id)
    kind = LateError if told.late else UnreachableError
    name = type(told.error).__name__
    failure = kind(f"the service did not answer ({name})", Refusal(request_id), where=call.route)
    failure.__cause__ = told.error
    return failure


def _may_repeat(call: Call[Any], told: Received | Unanswered, failure: ServiceError) -> bool:
    if isinstance(told, Unanswered):
        return call.repeatable or not told.sent
    return call.repeatable and isinstance(failure, BusyError)


def _pause_s(failure: ServiceError, number: int, config: ClientConfig, rng: random.Random) -> float:
    """The pause after the `number`-th failure; what the service asks for comes before what is drawn."""
    full = min(config.most_pause_s, config.first_pause_s * 2.0 ** min(number - 1, MOST_DOUBLINGS))
    drawn = full * (0.5 + 0.5 * rng.random())
    asked = failure.refusal.retry_after_s
    # Whoever was turned away together must not come back together.
    return drawn if asked is None else max(asked, 0.0) + drawn * 0.5
