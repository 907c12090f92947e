"""Why a list is as it is."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recsys.payloads.answers import ListAnswer, Reason
from recsys.payloads.base import Id, Payload
from recsys.payloads.requests import RecommendRequest


class ExplainRequest(Payload):
    """A list to account for, and one item if its fate is asked."""

    request: RecommendRequest
    item_id: Id | None = Field(default=None, description="An item: is it in the list, and if not, why.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"request": {"user_id": "shopper-0001", "n": 5}, "item_id": "item-00042"}]
        },
    )


class AppliedFilter(BaseModel):
    """Something that decided which items might be listed at all."""

    kind: str = Field(description="request, scenario, block or rule")
    name: str
    filter: dict[str, Any] | None = Field(default=None, description="Where it can be said as one.")


class Fate(BaseModel):
    """What became of one item."""

    item_id: str
    title: str | None
    score: float | None = Field(description="Null where the shopper's own score does not reach it.")
    by_score: int | None = Field(description="Its place by that score alone; null beyond the search.")
    place: int | None = Field(description="Its place in the list; null: not in it.")
    why: list[str] = Field(
        description="excluded, looked_at, seen, review, block NAME, request_filter, scenario_filter, "
        "hidden by RULE, lowered by RULE, age, region, unavailable, room_for_rules, arranged, chance, "
        "score, unknown"
    )
    reasons: list[Reason] = Field(default=[], description="Everything of the shopper's own that moved it.")


class ExplainedAnswer(BaseModel):
    """The list with all contributions, what decided it, and what lost its place; nothing is logged."""

    answer: ListAnswer
    settings: dict[str, Any] = Field(description="The scenario with what experiment and request changed.")
    filters: list[AppliedFilter]
    seen: int = Field(description="Items that the shopper has acted on.")
    held_back: int = Field(description="Items that are blocked by id, rejected, or wait for a reviewer.")
    lost: list[Fate] = Field(description="Items that the score alone would have listed, best first.")
    item: Fate | None = Field(description="The item that was asked about.")
