"""What every body shares: ids, bounds, and that an unknown field is the caller's mistake."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from recsys.identifiers import MAX_ID_BYTES, id_fault

MAX_BATCH = 1_000
MAX_TEXT = 2_000

Id = Annotated[str, Field(min_length=1, max_length=MAX_ID_BYTES)]
FilterJson = Annotated[
    dict[str, Any] | None,
    Field(default=None, description="Typed filter: `all`, `any`, `not` or a `field`/`op`/`value` leaf."),
]


class Payload(BaseModel):
    """Base of all bodies: an unknown field is the caller's mistake and is named in the answer."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _ids_are_ids(self) -> Payload:
        for name in ("user_id", "visitor_id", "item_id"):
            value = getattr(self, name, None)
            if isinstance(value, str) and (fault := id_fault(value)):
                raise ValueError(f"{name} is refused: {fault}")
        return self
