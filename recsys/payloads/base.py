"""What every body shares: ids, bounds, exact types, and that an unknown field is the caller's mistake."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from recsys.identifiers import MAX_ID_BYTES, id_fault

MAX_BATCH = 1_000
MAX_TEXT = 2_000

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_BYTES)]
FilterJson = Annotated[
    dict[str, Any] | None,
    Field(description="Typed filter: `all`, `any`, `not` or a `field`/`op`/`value` leaf."),
]


def _text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a time is a text in ISO 8601, such as 2026-04-01T09:00:00Z")
    return value


Moment = Annotated[
    AwareDatetime, Field(strict=False), BeforeValidator(_text, json_schema_input_type=AwareDatetime)
]
"""A time with its zone, as text only; a bare number could be seconds or milliseconds."""


class Payload(BaseModel):
    """Base of all bodies. `"7"` is no number and `1` no truth: the API takes what its description says."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    @model_validator(mode="after")
    def _ids_are_ids(self) -> Payload:
        for name in ("user_id", "visitor_id", "item_id"):
            value = getattr(self, name, None)
            if isinstance(value, str) and (fault := id_fault(value)):
                raise ValueError(f"{name} is refused: {fault}")
        return self
