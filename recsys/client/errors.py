"""What a call can end with beside an answer.

ServiceError             whatever kept the answer away; its parts are below
├── UnreachableError     nobody answered: refused, broken off, no such host
│   └── LateError        the deadline passed first
├── RefusedError         4xx: the request is at fault, sending it again changes nothing
│   ├── MissingError     404, also a `NotFoundError`
│   └── ChangedError     409, also a `ConflictError`
├── KeyRefusedError      401 or 403, also an `AccessError`
├── BusyError            429, 502, 503 or 504, also an `OverloadedError`: later it may work
└── BrokenAnswerError    another status, or a body that is not what the route promises

Those that are also errors of `recsys.errors` are caught by the same `except` that catches the offline
API's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recsys.errors import (
    AccessError,
    ConflictError,
    InputError,
    NotFoundError,
    OverloadedError,
    RecsysError,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is known of a failed call."""

    request_id: str
    """The id under which the service logs it; the client's own where nobody answered."""
    status: int | None = None
    """HTTP status; None where there was no answer."""
    kind: str = ""
    """The problem body's `type`, such as `FilterError`."""
    field: str | None = None
    """The part of the request that is at fault, where the service names one."""
    retry_after_s: float | None = None
    """Seconds after which the service asks to be tried again."""


class ServiceError(RecsysError):
    """A call to the service ended without an answer; `refusal` tells what is known."""

    def __init__(self, what: str, refusal: Refusal, *, where: str = "") -> None:
        found = "" if refusal.status is None else f"HTTP {refusal.status} {refusal.kind}".rstrip()
        super().__init__(what, found=found, where=f"{where}, request {refusal.request_id}".lstrip(", "))
        self.refusal, self.route = refusal, where

    @property
    def request_id(self) -> str:
        """What to give to whoever looks into the service's logs."""
        return self.refusal.request_id

    @property
    def status(self) -> int | None:
        """HTTP status; None where there was no answer."""
        return self.refusal.status

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders; keyword-only parts need an explicit recipe."""
        return (_rebuild, (type(self), self.what, self.refusal, self.route))


def _rebuild(kind: type[ServiceError], what: str, refusal: Refusal, where: str) -> ServiceError:
    return kind(what, refusal, where=where)


class UnreachableError(ServiceError):
    """Nobody answered."""


class LateError(UnreachableError):
    """The deadline passed before an answer came; what was asked may have been done."""


class RefusedError(ServiceError, InputError):
    """The request is at fault; sending it again changes nothing."""


class MissingError(RefusedError, NotFoundError):
    """The named user, item, job or route does not exist."""


class ChangedError(RefusedError, ConflictError):
    """What was to be changed has been changed meanwhile."""


class KeyRefusedError(ServiceError, AccessError):
    """No key in force came with the request, or one without the route's scope."""


class BusyError(ServiceError, OverloadedError):
    """The service, or a part of it, takes no more now."""


class BrokenAnswerError(ServiceError):
    """An answer that the route does not promise."""


KINDS: dict[int, type[ServiceError]] = {
    401: KeyRefusedError,
    403: KeyRefusedError,
    404: MissingError,
    409: ChangedError,
    429: BusyError,
    502: BusyError,
    503: BusyError,
    504: BusyError,
}


def kind_of(status: int) -> type[ServiceError]:
    """The error that stands for a status."""
    return KINDS.get(status, RefusedError if 400 <= status < 500 else BrokenAnswerError)
