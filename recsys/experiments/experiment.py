"""One experiment: which shoppers, which arms, how it is judged, and when it stops."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import AwareDatetime, Field, JsonValue, PositiveFloat, ValidationError, model_validator

from recsys.config import Config
from recsys.errors import InputError
from recsys.experiments.measure import Measure
from recsys.identifiers import id_fault
from recsys.merchandising.scenario import ScenarioSettings, overridden

SHARE_SLACK = 1e-9
"""Shares such as three thirds add up to one but for rounding."""
MAX_LOOKS = 60
INTERLEAVED = "interleaved"
"""Stands where the arm of a list would, when both arms made it."""
HOUR_US = 3_600_000_000


class State(StrEnum):
    """Where an experiment stands; only a running one touches lists."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Arm(Config):
    """One way of making lists."""

    name: str = Field(min_length=1, max_length=100)
    """How answers and results name it."""
    share: float = Field(gt=0.0, le=1.0)
    """Share of all shoppers, not of those in the experiment."""
    overrides: dict[str, JsonValue] = {}
    """Fields of a scenario by name, dots for inner ones (`lists.diversity`), with the arm's own value."""


class Guardrail(Config):
    """What a better arm must not cost."""

    measure: Measure
    """What is watched."""
    max_loss: float = Field(ge=0.0, lt=1.0)
    """Most relative loss to the control that is borne; .02 is 2 %."""


class Experiment(Config):
    """Arms that are compared on the same place in the shop at the same time; the first arm is the control."""

    experiment_id: str
    """Its name, and the order in which experiments that collide have their way."""
    scenarios: tuple[str, ...] = ()
    """Scenarios it covers; none named: all."""
    arms: tuple[Arm, ...] = Field(max_length=20)
    """At least two; shares that add up to less than 1 leave the rest of the shoppers outside."""
    salt: str = Field(default="", max_length=256)
    """Deals shoppers; empty: the id. Two experiments with one salt deal alike."""
    state: State = State.DRAFT
    """Where it stands."""
    starts_at: AwareDatetime | None = None
    """Nothing before counts."""
    ends_at: AwareDatetime | None = None
    """No list from then on counts; what follows from earlier ones still does, within the window."""
    mode: Literal["ab", "interleave"] = "ab"
    """Each shopper sees one arm, or lists that both of two arms fill in turn."""
    primary: Measure = Measure.CLICK_THROUGH
    """The one measure that decides; not used when interleaving, where clicks decide."""
    guardrails: tuple[Guardrail, ...] = Field(default=(), max_length=10)
    """What must not get worse."""
    window_hours: PositiveFloat = Field(default=24.0, le=24.0 * 90)
    """An event counts when it comes within so many hours of the list it names."""
    purchase_value: Literal["quantity", "amount"] = "quantity"
    """What the value of a purchase is: pieces, to be multiplied by the price, or what was paid."""
    stopping: Literal["any_time", "planned"] = "any_time"
    """Results that hold whenever one stops, or at looks planned beforehand: sharper, needs both dates."""
    look_hours: PositiveFloat = 24.0
    """Time between two planned looks."""
    expected_lift: float = Field(default=0.1, gt=0.0, le=1.0)
    """The relative lift that `any_time` is tuned to; rather too large than too small. It holds for all."""

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        for fault in (self._name_fault(), self._arm_fault(), self._time_fault()):
            if fault:
                raise ValueError(fault)
        return self

    def _name_fault(self) -> str | None:
        fault = id_fault(self.experiment_id)
        return f"experiment_id cannot be used: {fault}" if fault else None

    def _arm_fault(self) -> str | None:
        names = [arm.name for arm in self.arms]
        total = math.fsum(arm.share for arm in self.arms)
        twice = sorted({name for name in names if names.count(name) > 1})
        if len(names) < 2:
            return f"an experiment needs at least 2 arms, not {len(names)}"
        if twice:
            return f"arms must have different names; found twice: {', '.join(twice)}"
        if INTERLEAVED in names:
            return f"an arm cannot be called {INTERLEAVED!r}: that marks lists of both arms"
        if total > 1.0 + SHARE_SLACK:
            return f"shares of the arms add up to {total:.1%}; the most is 100 %"
        if self.mode == "interleave" and len(names) != 2:
            return f"interleaving compares exactly 2 arms, not {len(names)}"
        return None

    def _time_fault(self) -> str | None:
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            return "ends_at must be after starts_at"
        if self.stopping == "any_time":
            return None
        if self.starts_at is None or self.ends_at is None:
            return "planned looks need starts_at and ends_at"
        hours = (self.ends_at - self.starts_at).total_seconds() / 3600.0 + self.window_hours
        if hours / self.look_hours > MAX_LOOKS:
            return (
                f"at most {MAX_LOOKS} looks can be planned; make look_hours at least {hours / MAX_LOOKS:.1f}"
            )
        return None

    @property
    def control(self) -> Arm:
        """The arm that others are compared with."""
        return self.arms[0]

    @property
    def window_us(self) -> int:
        """`window_hours` in microseconds."""
        return round(self.window_hours * HOUR_US)

    @property
    def starts_at_us(self) -> int | None:
        """`starts_at` in microseconds since 1970 UTC."""
        return None if self.starts_at is None else round(self.starts_at.timestamp() * 1e6)

    @property
    def ends_at_us(self) -> int | None:
        """`ends_at` in microseconds since 1970 UTC."""
        return None if self.ends_at is None else round(self.ends_at.timestamp() * 1e6)

    def holds(self, scenario: str, now_us: int) -> bool:
        """Whether it touches lists of `scenario` now."""
        return (
            self.state is State.RUNNING
            and (not self.scenarios or scenario in self.scenarios)
            and (self.starts_at_us is None or self.starts_at_us <= now_us)
            and (self.ends_at_us is None or now_us < self.ends_at_us)
        )


def parse_experiment(raw: Any) -> Experiment:
    """The experiment in `raw` (decoded JSON); raises `InputError` naming the first fault.

    Overrides are tried on a plain scenario, so that a misspelt field is refused before it is ever used.
    """
    try:
        experiment = Experiment.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(["experiment", *map(str, first["loc"])])
        raise InputError("an experiment is refused", expected=first["msg"], where=where) from error
    for arm in experiment.arms:
        overridden(ScenarioSettings(), arm.overrides)
    return experiment
