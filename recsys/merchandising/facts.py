"""What is known about a request, and conditions over it."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from recsys.config import Config

Fact = str | int | float | bool | list[str]
PREFIXES = ("user.", "context.")
SCENARIO = "scenario"
MAX_DEPTH = 8


@dataclass(frozen=True)
class Facts:
    """One request as rules see it."""

    scenario: str = ""
    user: Mapping[str, Fact] = field(default_factory=dict)
    context: Mapping[str, Fact] = field(default_factory=dict)

    def value(self, name: str) -> Fact | None:
        """The fact of a name such as `scenario`, `user.segment` or `context.country`; None when absent."""
        if name == SCENARIO:
            return self.scenario or None
        room, _, key = name.partition(".")
        return (self.user if room == "user" else self.context).get(key)


class FactOp(StrEnum):
    """How a fact is compared with the condition's value."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    NOT_IN = "not_in"
    EXISTS = "exists"
    CONTAINS = "contains"


_ORDER: Mapping[FactOp, Callable[[Any, Any], bool]] = {
    FactOp.LT: operator.lt,
    FactOp.LE: operator.le,
    FactOp.GT: operator.gt,
    FactOp.GE: operator.ge,
}


class FactIs(Config):
    """One fact compared with one value.

    A fact that is absent, or of another kind than the value, fails whatever the operator; only
    `exists` asks for absence itself. `contains` looks into a list of texts.
    """

    field: str
    op: FactOp
    value: Fact | list[int] | list[float] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.field != SCENARIO and not self.field.startswith(PREFIXES):
            raise ValueError(
                f"field must be `scenario` or begin with `user.` or `context.`, not {self.field!r}"
            )
        if self.op in (FactOp.IN, FactOp.NOT_IN) and not isinstance(self.value, list):
            raise ValueError(f"{self.op.value} needs a list")
        if self.op in _ORDER and not _is_number(self.value):
            raise ValueError(f"{self.op.value} needs a number")
        if self.op is FactOp.EXISTS and not isinstance(self.value, bool | None):
            raise ValueError("exists needs true or false")
        return self

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        found = facts.value(self.field)
        if self.op is FactOp.EXISTS:
            return (found is not None) is (self.value is not False)
        if found is None:
            return False
        if self.op in _ORDER:
            return _is_number(found) and _ORDER[self.op](found, self.value)
        if self.op is FactOp.CONTAINS:
            return isinstance(found, list) and self.value in found
        if self.op in (FactOp.IN, FactOp.NOT_IN):
            assert isinstance(self.value, list)
            return (found in self.value) is (self.op is FactOp.IN)
        return (found == self.value) is (self.op is FactOp.EQ)


class AllHold(Config):
    """Every part must hold; no parts hold always."""

    all: tuple[When, ...] = Field(max_length=100)

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return all(part.holds(facts) for part in self.all)


class AnyHolds(Config):
    """At least one part must hold; no parts never hold."""

    any: tuple[When, ...] = Field(max_length=100)

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return any(part.holds(facts) for part in self.any)


class HoldsNot(Config):
    """The part must not hold."""

    part: When = Field(alias="not")

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return not self.part.holds(facts)


_KINDS = {"all": AllHold, "any": AnyHolds, "not": HoldsNot, "field": FactIs}


def _kind(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((key for key in _KINDS if key in value), None)
    return next((key for key, kind in _KINDS.items() if isinstance(value, kind)), None)


When = Annotated[
    Annotated[AllHold, Tag("all")]
    | Annotated[AnyHolds, Tag("any")]
    | Annotated[HoldsNot, Tag("not")]
    | Annotated[FactIs, Tag("field")],
    Discriminator(_kind),
]
"""A condition over facts: `all`, `any`, `not`, or a `field`/`op`/`value` leaf."""
for _model in (AllHold, AnyHolds, HoldsNot):
    _model.model_rebuild()


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
