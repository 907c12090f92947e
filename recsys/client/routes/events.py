"""Events, with ids that are made once so that a batch that is sent again counts once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from recsys.client.call import Call, call_of, reading
from recsys.errors import InputError
from recsys.payloads import EventBody, EventsAck, EventsBatch
from recsys.payloads.validating import validated

Event = EventBody | Mapping[str, Any]


def put_events(events: Iterable[Event]) -> Call[EventsAck]:
    """Append at most 1,000 events; answered when they are durable. Bad rows come back with reasons.

    An event without an `event_id` is given one, and the time of now where it has none.
    """
    return rows_call([event_row(one) for one in events])


def rows_call(rows: list[dict[str, Any]]) -> Call[EventsAck]:
    """The call of events that have been made ready."""
    return call_of("POST", "/v1/events:batch", reading(EventsAck), body=validated(EventsBatch, events=rows))


def event_row(event: Event) -> dict[str, Any]:
    """An event as it is sent, however often; raises `InputError` for what is none."""
    body = event if isinstance(event, EventBody) else _body(event)
    row = body.model_dump(mode="json", exclude_none=True)
    row.setdefault("event_id", uuid4().hex)
    # It may wait before it is sent: it happened now.
    row.setdefault("occurred_at", datetime.now(UTC).isoformat())
    return row


def _body(event: Mapping[str, Any]) -> EventBody:
    # A misspelt field would be left out without a word.
    if unknown := event.keys() - EventBody.model_fields.keys():
        known = ", ".join(EventBody.model_fields)
        raise InputError(
            "an event has fields that none has", expected=known, found=", ".join(sorted(unknown))
        )
    return validated(EventBody, **event)
