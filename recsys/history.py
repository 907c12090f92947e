"""A user's history, the truth from which everything else about a user is derived."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.errors import InputError


@dataclass(frozen=True, slots=True)
class HistoryEvent:
    """One stored event of one user or visitor."""

    seq: int
    """Position in the event log; later events have larger numbers."""
    event_id: str
    user_key: str
    item_id: str
    event_type: str
    value: float | None
    review_text: str | None
    occurred_at_us: int
    """When it happened, microseconds since 1970 UTC, by the sender's clock."""
    visitor_id: str | None = None
    """The visitor that the event names, also beside a user; None where the reader did not ask for it."""
    owner_key: str | None = None
    """Of a visitor's event: the account that the visitor turned out to be."""

    @property
    def ties(self) -> bool:
        """Whether it says that a visitor is a user."""
        return self.visitor_id is not None and self.user_key.startswith("user:")


def user_key(user_id: str | None, visitor_id: str | None) -> str:
    """The key under which a history is kept: `user:ID` when a user is known, else `visitor:ID`.

    Raises `InputError` when neither is given.
    """
    if user_id:
        return f"user:{user_id}"
    if visitor_id:
        return f"visitor:{visitor_id}"
    raise InputError("no one is named", expected="user_id or visitor_id")


@dataclass(frozen=True, slots=True)
class Response:
    """One stored event that names the list it came from."""

    event_id: str
    user_key: str
    item_id: str
    event_type: str
    value: float | None
    recommendation_id: str
    occurred_at_us: int
    """When it happened, microseconds since 1970 UTC, by the sender's clock."""
