"""A place in the shop: where its list comes from, what counts in it, and how an experiment changes that."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, ValidationError, model_validator

from recsys.config import Config, Scenario, Share
from recsys.errors import ConfigError, FilterError, InputError
from recsys.filters import parse_filter
from recsys.rerank import ExploreSettings, ListSettings

Source = Literal[
    "personal",
    "because",
    "continue",
    "buy_again",
    "complements",
    "related",
    "popular_in_category",
    "popular",
    "new",
]
"""What fills a list; those of the ladder only where the ones before leave places empty."""
Constraint = Literal["variant_of", "compatible_with", "substitutes"]
LADDER: tuple[Source, ...] = ("popular_in_category", "popular", "new")


class ScenarioSettings(Config):
    """Everything that one place in the shop decides about its lists."""

    description: str = Field(default="", max_length=2_000)
    """What the place is."""
    n: PositiveInt = Field(default=10, le=500)
    """Items where a request names no number."""
    include_seen: bool = False
    """Whether items that the shopper has acted on may be listed."""
    sources: tuple[Source, ...] = ("personal", *LADDER)
    """What fills the list, in this order."""
    weights: Scenario = Scenario()
    """Multiplies the fitted factors of the signals."""
    lists: ListSettings = ListSettings()
    """What counts beside each item's own score."""
    explore: ExploreSettings = ExploreSettings()
    """The place that is left to chance."""
    buy_again_share: Share = 0.2
    """Most places for what is due to be bought again, where `sources` has it."""
    complements_share: Share = 0.4
    """Most places for what goes with the cart or the item looked at, where `sources` has it."""
    related_share: Share = 0.2
    """Most places for what is stated to go with the newest of the history, where `sources` has it."""
    continue_share: Share = 1.0
    """Most places for what is begun and not finished, where `sources` has `continue`."""
    finished: float = Field(default=0.9, gt=0.0, le=1.0)
    """Share watched from which on an item counts as finished: few watch the credits."""
    constraints: tuple[Constraint, ...] = ("variant_of", "compatible_with", "substitutes")
    """Stated relations that hold items back: further variants, what does not fit, what was just replaced."""
    rules: tuple[str, ...] | None = None
    """Rules that count here; None: all whose condition holds."""
    filter: dict[str, Any] | None = None
    """Items of this place, beside what a request asks for."""

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if not self.sources or len(set(self.sources)) < len(self.sources):
            raise ValueError("sources must name each source once, and one at least")
        if {"personal", "because"} <= set(self.sources):
            raise ValueError("sources must have `personal` (all interests) or `because` (one of them)")
        if self.filter is not None:
            try:
                parse_filter(self.filter)
            except FilterError as error:
                raise ValueError(f"filter: {error}") from error
        return self


DEFAULT = "default"
MILD = ListSettings(diversity=0.3, collapse_variants=True, near_duplicate=0.97)
BUILT_IN: Mapping[str, ScenarioSettings] = {
    DEFAULT: ScenarioSettings(description="Where no place is named: the order of scores."),
    "home": ScenarioSettings(description="The start page: varied.", lists=MILD),
    "item_page": ScenarioSettings(
        description="Beside one item: what goes with it, and no second colour of the same.",
        sources=("personal", "related", *LADDER),
        lists=ListSettings(collapse_variants=True, near_duplicate=0.97),
    ),
    "cart": ScenarioSettings(
        description="Before the till: what goes with the cart, and what is due again.",
        n=5,
        sources=("personal", "complements", "buy_again", *LADDER),
        lists=ListSettings(collapse_variants=True, near_duplicate=0.97),
    ),
    "email": ScenarioSettings(
        description="A letter: varied and true to all of the shopper's interests.",
        n=6,
        sources=("personal", "buy_again", *LADDER),
        lists=MILD.model_copy(update={"calibration": 0.3}),
    ),
    "because": ScenarioSettings(
        description="Around one thing that the shopper took to lately, which every reason names.",
        sources=("because",),
        weights=Scenario(popularity=0.0),
        lists=ListSettings(collapse_variants=True, near_duplicate=0.97),
    ),
    "continue": ScenarioSettings(
        description="Begun and not finished, the newest first; empty where nothing is.",
        sources=("continue",),
    ),
}


def overridden(settings: ScenarioSettings, overrides: Mapping[str, Any]) -> ScenarioSettings:
    """`settings` with some fields replaced, named with dots: `{"lists.diversity": 0.3}`.

    Raises `InputError` for a field that is not there or a value it does not take.
    """
    raw = settings.model_dump()
    for name, value in sorted(overrides.items()):  # `lists` before `lists.diversity`, in whatever order given
        room: Any = raw
        path = name.split(".")
        for step in path[:-1]:
            room = room.get(step) if isinstance(room, dict) else None
        if not isinstance(room, dict) or path[-1] not in room:
            known = ", ".join(sorted(room)) if isinstance(room, dict) else ""
            raise InputError("a scenario has no such field", expected=known, found=name, where="overrides")
        room[path[-1]] = deepcopy(value)
    try:
        return ScenarioSettings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError("an override is refused", expected=first["msg"], where=where) from error


def parse_scenario(raw: Any, name: str) -> ScenarioSettings:
    """The settings in `raw` (decoded JSON); raises `ConfigError` naming the first fault."""
    try:
        return ScenarioSettings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join([name, *map(str, first["loc"])])
        raise ConfigError("a scenario is refused", expected=first["msg"], where=where) from error
