"""What an experiment has shown, ready for JSON."""

from __future__ import annotations

from enum import StrEnum

from recsys.config import Config
from recsys.experiments.measure import Measure


class Finding(StrEnum):
    """The verdict's kind."""

    NOT_ENOUGH_DATA = "not enough data"
    NO_DIFFERENCE = "no difference seen"
    BETTER = "is better"
    GUARDRAIL = "stopped by guardrail"
    RATIO_BROKEN = "sample ratio broken"


class Interval(Config):
    """From low to high; None is without a bound."""

    low: float | None
    high: float | None


class Verdict(Config):
    """What follows; made of sequential p-values alone, so it may be read every day."""

    finding: Finding
    better: str | None = None
    """The arm that is better, the control included."""
    words: str
    """The finding, with the better arm's name where there is one: `B is better`."""
    why: str
    """One sentence with the figures."""


class SampleRatio(Config):
    """Whether shoppers came to the arms in the planned shares."""

    expected: tuple[float, ...]
    """Shoppers of each arm by the shares."""
    p_value: float | None
    """Chi-square; None without shoppers."""
    broken: bool
    """Below .001: something lets shoppers of one arm get lost, and no figure below can be trusted."""


class ArmResult(Config):
    """One arm by itself."""

    name: str
    share: float
    units: int
    """Shoppers who saw a list."""
    lists: int
    clicks: int
    purchases: int
    revenue: float
    values: dict[Measure, float]
    """Every measure."""


class Comparison(Config):
    """One measure of one arm beside the control."""

    arm: str
    measure: Measure
    value: float
    control_value: float
    enough: bool
    """Whether there are shoppers and actions enough; if not, the rest is None."""
    difference: float | None = None
    difference_interval: Interval | None = None
    """95 %, for who looks once, at a moment chosen before."""
    lift: float | None = None
    """Relative difference; .05 is 5 %. Less what the covariate explains, where there is one."""
    lift_interval: Interval | None = None
    """95 %, for who looks once."""
    p_value: float | None = None
    """Two-sided, for who looks once."""
    sequential_p_value: float | None = None
    """Two-sided, for who looks often."""
    sequential_interval: Interval | None = None
    """Of the lift, for who looks often; at the confidence that the verdict uses."""
    variance_explained: float | None = None
    """Share of the variance that the covariate took away."""


class GuardrailResult(Config):
    """One guardrail in one arm."""

    arm: str
    measure: Measure
    max_loss: float
    state: str
    """`held`: the loss is surely smaller; `breached`: surely larger; `unsure`."""
    lift: float | None
    sequential_interval: Interval | None


class ExperimentResults(Config):
    """An A/B experiment as it stands."""

    experiment_id: str
    mode: str = "ab"
    at_us: int
    control: str
    primary: Measure
    stopping: str
    confidence: float
    """Of sequential intervals; above .95 where several arms are compared with the control."""
    looks: int
    """Looks so far."""
    moved_units: int
    """Shoppers who saw a second arm after shares changed; they count in their first."""
    arms: tuple[ArmResult, ...]
    sample_ratio: SampleRatio
    comparisons: tuple[Comparison, ...]
    """The primary measure."""
    others: tuple[Comparison, ...]
    """All other measures, for information: without sequential p-values."""
    guardrails: tuple[GuardrailResult, ...]
    verdict: Verdict


class InterleavingResults(Config):
    """An experiment with interleaved lists as it stands."""

    experiment_id: str
    mode: str = "interleave"
    at_us: int
    arms: tuple[str, str]
    stopping: str
    looks: int
    units: int
    lists: int
    lists_won: tuple[int, int]
    """Lists in which more clicks went to the one arm than to the other."""
    units_won: tuple[int, int]
    """Shoppers who preferred the one arm in more lists than the other."""
    units_tied: int
    """Shoppers who preferred neither, most of them without a click."""
    preference: float | None = None
    """Won less lost lists of the second arm, per decided list, in [-1, 1]."""
    preference_interval: Interval | None = None
    """95 %, for who looks once."""
    p_value: float | None = None
    """Sign test over shoppers, for who looks once."""
    sequential_p_value: float | None = None
    """Of the preference, for who looks often."""
    sequential_interval: Interval | None = None
    """Of the preference, for who looks often."""
    verdict: Verdict
