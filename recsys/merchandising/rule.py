"""One merchandising rule: when, on which items, to what effect, from when until when."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, PositiveInt, model_validator

from recsys.config import Config
from recsys.errors import FilterError
from recsys.filters import Filter, parse_filter
from recsys.merchandising.conditions import When
from recsys.merchandising.facts import Facts

MOST = 20.0
"""Largest factor of a boost; a bury's smallest is one over it."""


class Pin(Config):
    """Puts one item into one place."""

    kind: Literal["pin"] = "pin"
    slot: PositiveInt = Field(le=500)
    """Place in the list, from 1."""
    item_id: str = Field(min_length=1)
    """The item."""


class Boost(Config):
    """Lifts items: by as many standard deviations of the list's scores as the factor's logarithm."""

    kind: Literal["boost"] = "boost"
    factor: float = Field(gt=1.0, le=MOST)
    """2.7 lifts by one standard deviation."""


class Bury(Config):
    """Lowers items, as `boost` lifts them."""

    kind: Literal["bury"] = "bury"
    factor: float = Field(ge=1.0 / MOST, lt=1.0)
    """0.37 lowers by one standard deviation."""


class Hide(Config):
    """Leaves items out, inside the search: the list is as long as without them."""

    kind: Literal["hide"] = "hide"


class Promote(Config):
    """Gives items a share of the places."""

    kind: Literal["promote"] = "promote"
    share: float = Field(gt=0.0, le=1.0)
    """Of the places asked for, rounded to whole ones."""


Effect = Annotated[Pin | Boost | Bury | Hide | Promote, Field(discriminator="kind")]


class Rule(Config):
    """What a merchandiser wants of lists."""

    rule_id: str = Field(default="", max_length=200)
    """Its name, which answers give when it had a part; empty until it is stored."""
    description: str = Field(default="", max_length=2_000)
    """Why it is there."""
    enabled: bool = True
    """Whether it counts."""
    priority: int = 0
    """Of two rules that contradict each other the higher counts; then the smaller id."""
    when: When | None = None
    """Condition over scenario, user and context; None: always."""
    items: dict[str, Any] | None = None
    """Filter of the items it is about; a pin names its item instead."""
    effect: Effect
    """What it does."""
    valid_from: AwareDatetime | None = None
    """First moment at which it counts."""
    valid_until: AwareDatetime | None = None
    """First moment at which it does not count any more."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if (self.items is None) is not isinstance(self.effect, Pin):
            raise ValueError("a pin names an item and no filter; every other effect needs the filter `items`")
        if self.items is not None:
            try:
                _ = self.filter
            except FilterError as error:
                raise ValueError(f"items: {error}") from error
        if self.valid_from and self.valid_until and self.valid_until <= self.valid_from:
            raise ValueError("valid_until must be after valid_from")
        return self

    @cached_property
    def filter(self) -> Filter:
        """Its items, parsed once: every request asks for them; raises `FilterError` for a pin."""
        return parse_filter(self.items)

    def counts(self, facts: Facts, now: datetime) -> bool:
        """Whether it has to be kept for a request made at `now`."""
        begun = self.valid_from is None or now >= self.valid_from
        ended = self.valid_until is not None and now >= self.valid_until
        return self.enabled and begun and not ended and (self.when is None or self.when.holds(facts))
