"""What is known about a request, and one fact compared with one value."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from pydantic import model_validator

from recsys.config import Config

Fact = str | int | float | bool | list[str]
Scalar = bool | int | float | str
PREFIXES = ("user.", "context.")
SCENARIO = "scenario"
MAX_VALUES = 1_000
"""Most values a list of `in` or `not_in` may have."""


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

    A fact that is absent, or of another kind than the value (text, number, true or false, list of
    texts), fails whatever the operator, `!=` and `not_in` too; only `exists` asks for absence itself.
    `contains` looks for a member of a list of texts, and for a part of a text, ignoring case there.
    """

    field: str
    op: FactOp
    value: Scalar | tuple[Scalar, ...] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.field != SCENARIO and not any(
            self.field.startswith(prefix) and self.field != prefix for prefix in PREFIXES
        ):
            raise ValueError(
                f"field must be `scenario`, `user.<name>` or `context.<name>`, not {self.field!r}"
            )
        if (expected := _misfit(self.op, self.value)) is not None:
            raise ValueError(f"{self.op.value} needs {expected}, not {self.value!r}"[:300])
        return self

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        found = facts.value(self.field)
        if self.op is FactOp.EXISTS:
            return (found is not None) is (self.value is not False)
        if self.op is FactOp.CONTAINS:
            return _contains(found, str(self.value))
        if self.op in (FactOp.IN, FactOp.NOT_IN):
            assert isinstance(self.value, tuple)
            comparable = found is not None and all(_kind(found) == _kind(member) for member in self.value)
            return comparable and (found in self.value) is (self.op is FactOp.IN)
        if found is None or _kind(found) != _kind(self.value):
            return False
        if self.op in _ORDER:
            return _ORDER[self.op](found, self.value)
        wanted = list(self.value) if isinstance(self.value, tuple) else self.value
        return (found == wanted) is (self.op is FactOp.EQ)


def _misfit(op: FactOp, value: Scalar | tuple[Scalar, ...] | None) -> str | None:
    """What the operator needs instead of this value; None where it fits."""
    if op is FactOp.EXISTS:
        return None if isinstance(value, bool | None) else "true or false"
    if op in (FactOp.IN, FactOp.NOT_IN):
        kinds = {_kind(member) for member in value} if isinstance(value, tuple) else {""}
        fits = isinstance(value, tuple) and len(value) <= MAX_VALUES and len(kinds) <= 1 and "" not in kinds
        return None if fits else f"a list of at most {MAX_VALUES} values of one kind"
    if op in _ORDER:
        return None if _kind(value) == "number" else "a number"
    if op is FactOp.CONTAINS:
        return None if isinstance(value, str) and value else "a text"
    return None if _kind(value) else "a text, a number, true, false or a list of texts"


def _kind(value: object) -> str:
    """What may be compared with each other; empty for what no fact can be (null, NaN, infinity)."""
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float):
        return "number" if isinstance(value, int) or math.isfinite(value) else ""
    texts = isinstance(value, list | tuple) and all(isinstance(member, str) for member in value)
    return "texts" if texts else ""


def _contains(found: Fact | None, wanted: str) -> bool:
    if isinstance(found, str):
        return wanted.casefold() in found.casefold()
    return isinstance(found, list) and wanted in found
