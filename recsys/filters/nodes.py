"""The nodes of the filter language: `all`, `any`, `not` and conditions on one field.

Null semantics: a comparison with an absent value is false, whatever the operator (`!=` and
`not_in` too); `not` turns it into true. `exists` asks for absence itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from recsys.filters.fields import Op, Value, check_condition


class _Node(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class Condition(_Node):
    """One field compared with one value (or a list of values for `in` and `not_in`).

    `under` is the category path prefix: `A/B` is under `A`, `AB` is not. `contains` ignores case.
    Text orders by code point; an attribute compared with a number is read as a number (as absent
    where its text is not one); times are ISO 8601, UTC unless they say otherwise.
    """

    field: str
    op: Op
    value: Value = None

    @model_validator(mode="after")
    def _value_fits(self) -> Self:
        check_condition(self.field, self.op, self.value)
        return self


class AllOf(_Node):
    """Every part must hold; no parts hold always."""

    parts: tuple[Node, ...] = Field(alias="all")


class AnyOf(_Node):
    """At least one part must hold; no parts never hold."""

    parts: tuple[Node, ...] = Field(alias="any")


class Not(_Node):
    """The part must not hold."""

    part: Node = Field(alias="not")


_KINDS = {"all": AllOf, "any": AnyOf, "not": Not, "field": Condition}


def _kind(value: Any) -> str | None:
    """The key that says which node `value` is, for raw JSON and for models alike."""
    if isinstance(value, dict):
        return next((key for key in _KINDS if key in value), None)
    return next((key for key, kind in _KINDS.items() if isinstance(value, kind)), None)


Node = Annotated[
    Annotated[AllOf, Tag("all")]
    | Annotated[AnyOf, Tag("any")]
    | Annotated[Not, Tag("not")]
    | Annotated[Condition, Tag("field")],
    Discriminator(
        _kind,
        custom_error_type="filter_node",
        custom_error_message='one of {"all": []}, {"any": []}, {"not": {}}, {"field", "op", "value"}',
    ),
]

AllOf.model_rebuild()
AnyOf.model_rebuild()
Not.model_rebuild()
