"""What is believed of a shopper, what is served, and how errors look."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class InterestBody(BaseModel):
    """What the profile holds about one item."""

    item_id: str
    title: str | None
    weight: float = Field(description="Signed and decayed; negative pushes away.")
    event_types: list[str]
    last_at: str


class ProfileAnswer(BaseModel):
    """What is believed about a shopper, and from which items."""

    user_id: str
    kind: Literal["user", "visitor"]
    num_events: int
    interests: list[InterestBody]
    index_version: str


class IndexAnswer(BaseModel):
    """The index version that answers now, and the ones beside it."""

    index_version: str
    encoder_version: str
    text_template_version: str
    dim: int
    metric: str
    num_shards: int
    item_count: int
    catalog_seq: int
    live_items: int = Field(description="Items changed since the version, searched beside it.")
    live_removed: int = Field(description="Items deleted since the version, never returned.")
    placement: str
    versions: list[str]


class Problem(BaseModel):
    """Every error, in one shape."""

    type: str
    message: str
    field: str | None = None
    request_id: str
