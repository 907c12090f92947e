"""Bodies of Gorse's REST interface, as far as the service answers it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_pascal

from recsys.payloads.base import MAX_BATCH

NAMED = ConfigDict(alias_generator=to_pascal, populate_by_name=True)


class GorseScore(BaseModel):
    """An item and what spoke for it."""

    model_config = NAMED

    id: str
    score: float


class GorseFeedback(BaseModel):
    """One thing that a user did with an item."""

    model_config = NAMED

    feedback_type: str = Field(description="An event type, under our name or a usual other one.")
    user_id: str
    item_id: str
    value: float = Field(default=0.0, description="0: not given.")
    timestamp: str = Field(default="", description="Now when absent.")
    comment: str = ""


class GorseSuccess(BaseModel):
    """What became of a batch."""

    model_config = NAMED

    row_affected: int


def _untyped(schema: dict[str, Any]) -> dict[str, Any]:
    """Rows are judged one by one, so that the description names fields and not their types."""
    told = {name: {"description": one.get("description", name)} for name, one in schema["properties"].items()}
    return {"type": "object", "description": schema["description"], "properties": told}


FeedbackRow = Annotated[dict[str, Any], WithJsonSchema(_untyped(GorseFeedback.model_json_schema()))]
FeedbackRows = Annotated[list[FeedbackRow], Field(min_length=1, max_length=MAX_BATCH)]
