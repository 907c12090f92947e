"""What a shop's people decide, and what became of it."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from recsys.payloads.answers import ListAnswer
from recsys.payloads.base import MAX_TEXT, Moment, Payload
from recsys.payloads.requests import RecommendRequest


class ControlBody(BaseModel):
    """One decision: a scenario, rule, experiment, block list or review."""

    name: str
    body: dict[str, Any]
    revision: int = Field(description="Send it as `If-Match` to change only what you have read.")
    updated_at: str
    updated_by: str


class AuditBody(BaseModel):
    """One change of a decision."""

    seq: int
    at: str
    actor: str
    action: str
    kind: str
    name: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    note: str


class RulesPreview(Payload):
    """Rules to be tried on a list before anybody sees them."""

    request: RecommendRequest = Field(description="The list to try them on.")
    rules: list[dict[str, Any]] = Field(max_length=100, description="Instead of the stored rules.")
    settings: dict[str, Any] | None = Field(
        default=None, description="Instead of the scenario's; its stored ones when absent."
    )
    at: Moment | None = Field(default=None, description="When; now where absent.")

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "request": {"user_id": "shopper-0001", "scenario": "home", "n": 5},
                    "rules": [
                        {
                            "rule_id": "spring",
                            "items": {"field": "category", "op": "under", "value": "Kitchen"},
                            "effect": {"kind": "promote", "share": 0.4},
                        }
                    ],
                }
            ]
        },
    )


class PreviewedChange(BaseModel):
    """One item that the tried rules put elsewhere."""

    item_id: str
    before: int | None = Field(description="Its place without them; null: it was not in the list.")
    after: int | None = Field(description="Its place with them; null: it is not in the list any more.")
    rules: list[str] = Field(description="Tried rules that touched it; none where it made or got room.")


class RulesPreviewed(BaseModel):
    """The list as it is and as the tried rules would make it."""

    before: ListAnswer
    after: ListAnswer
    entered: list[str] = Field(description="Items that only the tried rules show.")
    left: list[str] = Field(description="Items that they would take away.")
    changes: list[PreviewedChange] = Field(
        description="Every item that stands elsewhere, and by which rules."
    )


class Decision(Payload):
    """What a reviewer decides about an item."""

    approve: bool
    note: str = Field(default="", max_length=MAX_TEXT)

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"approve": True, "note": "harmless"}]}
    )
