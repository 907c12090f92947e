"""Conditions over facts: `all`, `any`, `not`, and leaves of one fact, in the shape of item filters."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from recsys.config import Config
from recsys.merchandising.facts import FactIs, Facts

MAX_DEPTH = 8
MAX_LEAVES = 100


class AllHold(Config):
    """Every part must hold; no parts hold always."""

    all: tuple[Node, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return all(part.holds(facts) for part in self.all)


class AnyHolds(Config):
    """At least one part must hold; no parts never hold."""

    any: tuple[Node, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return any(part.holds(facts) for part in self.any)


class HoldsNot(Config):
    """The part must not hold; so it holds where the part's fact is absent."""

    part: Node = Field(alias="not")

    def holds(self, facts: Facts) -> bool:
        """Whether it is so."""
        return not self.part.holds(facts)


_KINDS = {"all": AllHold, "any": AnyHolds, "not": HoldsNot, "field": FactIs}


def _kind(value: Any) -> str | None:
    """The key that says which node `value` is, for raw JSON and for models alike."""
    if isinstance(value, dict):
        return next((key for key in _KINDS if key in value), None)
    return next((key for key, kind in _KINDS.items() if isinstance(value, kind)), None)


def _bounded(raw: Any) -> Any:
    """Refuse what is too deep or wide before anything recurses into it."""
    if _leaves(raw, MAX_DEPTH) > MAX_LEAVES:
        raise ValueError(f"a condition has at most {MAX_LEAVES} parts")
    return raw


def _leaves(raw: Any, levels: int) -> int:
    if not levels:
        raise ValueError(f"a condition is at most {MAX_DEPTH} levels deep")
    if not isinstance(raw, dict):
        return 1
    parts = [part for key in ("all", "any") for part in _listed(raw.get(key))]
    parts += [raw["not"]] if "not" in raw else []
    return sum(_leaves(part, levels - 1) for part in parts) or 1


def _listed(raw: Any) -> list[Any]:
    return list(raw) if isinstance(raw, list | tuple) else []


Node = Annotated[
    Annotated[AllHold, Tag("all")]
    | Annotated[AnyHolds, Tag("any")]
    | Annotated[HoldsNot, Tag("not")]
    | Annotated[FactIs, Tag("field")],
    Discriminator(
        _kind,
        custom_error_type="condition",
        custom_error_message='a condition is one of {"all": []}, {"any": []}, {"not": {}}, '
        '{"field", "op", "value"}',
    ),
]
When = Annotated[Node, BeforeValidator(_bounded)]
"""A whole condition: at most 8 levels deep with at most 100 leaves."""
for _model in (AllHold, AnyHolds, HoldsNot):
    _model.model_rebuild()
