"""Reading what came back: an answer, or the error that its problem body tells."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from pydantic import ValidationError

from recsys.client.call import Call
from recsys.client.errors import BrokenAnswerError, Refusal, ServiceError, kind_of
from recsys.payloads import Problem

T = TypeVar("T")
MOST_TOLD = 200
"""Characters of a body that is no problem body; what a proxy says may be a whole page."""


def answer_of(call: Call[T], status: int, headers: Mapping[str, str], body: bytes, request_id: str) -> T:
    """The answer in a body; raises `BrokenAnswerError` for one that is not what the route promises."""
    try:
        return call.read(body)
    except ValueError as error:  # Pydantic's and the decoding's
        refusal = Refusal(headers.get("x-request-id") or request_id, status)
        what = f"the answer is not what this client's version expects: {str(error)[:MOST_TOLD]}"
        raise BrokenAnswerError(what, refusal, where=call.route) from error


def failure_of(
    route: str, status: int, headers: Mapping[str, str], body: bytes, request_id: str
) -> ServiceError:
    """The error behind a status that is no answer."""
    told = _problem(body)
    refusal = Refusal(
        request_id=(told.request_id if told else "") or headers.get("x-request-id") or request_id,
        status=status,
        kind=told.type if told else "",
        field=told.field if told else None,
        retry_after_s=_seconds(headers.get("retry-after")),
    )
    said = told.message if told else body[:MOST_TOLD].decode("utf-8", "replace").strip()
    return kind_of(status)(said or "no reason was given", refusal, where=route)


def _problem(body: bytes) -> Problem | None:
    try:
        return Problem.model_validate_json(body)
    except ValidationError:
        return None


def _seconds(said: str | None) -> float | None:
    """A `Retry-After`: seconds, or a date by HTTP's rules; None where it is neither."""
    if not said:
        return None
    if said.strip().isdecimal():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - datetime.now(UTC)).total_seconds(), 0.0)
