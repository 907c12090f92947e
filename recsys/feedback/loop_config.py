"""When the feedback loop acts, how often it tries, and when it takes a version back."""

from __future__ import annotations

from typing import Self

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from recsys.config import Config, Share
from recsys.feedback.run import Kind


class KindConfig(Config):
    """When one kind of run is due."""

    on: bool = True
    """Whether the loop runs it by itself; a person may always."""
    min_gap_s: float = Field(default=600.0, ge=0.0)
    """Seconds between the end of one and the start of the next."""
    min_events: PositiveInt = 200
    """Least new events that are worth a run."""
    event_share: Share = 0.05
    """New events as a share of those of the last run, from which another is worth while."""
    max_age_hours: PositiveFloat = 24.0
    """After this time any news at all is worth a run."""
    timeout_s: PositiveFloat = 3_600.0
    """A run that takes longer is ended, and counts as failed."""
    arguments: tuple[str, ...] = ()
    """Options added to the kind's own command, such as `--trials 30`."""


class RetryConfig(Config):
    """What follows a failure."""

    max_attempts: PositiveInt = 4
    """Failures in a row after which a kind rests until there is something new, or a person runs it."""
    base_s: PositiveFloat = 60.0
    """Wait after the first failure; it doubles with each."""
    cap_s: PositiveFloat = 3_600.0
    """Longest wait."""

    @model_validator(mode="after")
    def _cap_is_above_base(self) -> Self:
        if self.cap_s < self.base_s:
            raise ValueError("cap_s must not be below base_s")
        return self


class VerdictConfig(Config):
    """When a version that fails in service is taken back."""

    on: bool = True
    """Whether the loop rolls back by itself."""
    min_requests: PositiveInt = 200
    """Requests of a version before it is judged, or judged by."""
    alpha: float = Field(default=1e-4, gt=0.0, lt=0.5)
    """Chance of an equally good version to look this bad at one look; small, since looks are many."""
    min_rise: Share = 0.02
    """Least rise of a rate that is worth a rollback, however certain it is."""
    assumed_share: Share = 0.2
    """Rate that the version before is taken to have had when too few of its requests are known."""
    quiet_s: PositiveFloat = 3_600.0
    """No second rollback within this time."""


class LoopConfig(Config):
    """How the feedback loop keeps a shop fresh."""

    period_s: PositiveFloat = 60.0
    """Seconds between two looks at the shop."""
    poll_s: PositiveFloat = 2.0
    """Seconds between two looks at requests of people and at the version in service."""
    lease_s: PositiveFloat = 30.0
    """A loop that gave no sign for this long is taken to be dead, and another may go on."""
    embed: KindConfig = KindConfig(min_gap_s=120.0)
    """Encoding and indexing; its events do not count, the catalog's changes below do."""
    fit: KindConfig = KindConfig()
    """Learning from events."""
    fine_tune: KindConfig = KindConfig(
        on=False,
        min_gap_s=86_400.0,
        min_events=5_000,
        event_share=0.5,
        max_age_hours=720.0,
        timeout_s=14_400.0,
    )
    """Training the encoder; off, since it takes hours of a machine that also serves."""
    evaluate: KindConfig = KindConfig(
        on=False, min_gap_s=86_400.0, event_share=0.2, max_age_hours=168.0, timeout_s=14_400.0
    )
    """The full comparison of methods."""
    new_item_share: Share = 0.01
    """New items, as a share of the catalog, from which it is indexed anew."""
    changed_item_share: Share = 0.02
    """New, changed and deleted items together, as a share of the catalog."""
    max_waiting_changes: PositiveInt = 2_500
    """Changes in the live segment from which the catalog is indexed anew, whatever their share."""
    click_drift: Share = 0.1
    """Relative fall of the click rate below the gate's forecast, beyond noise, that asks for a fit."""
    min_lists: PositiveInt = 1_000
    """Lists that must have been answered before clicks are judged."""
    vector_drift: PositiveFloat = 0.1
    """Shift of the catalog's mean vector since the fit, in spreads of the vectors, that asks for a fit."""
    retry: RetryConfig = RetryConfig()
    """What follows a failure."""
    verdict: VerdictConfig = VerdictConfig()
    """When a version is taken back."""
    dashboard: str | None = None
    """Address of Ray's dashboard, where jobs are submitted; None: they are child processes of the loop."""
    niceness: int = Field(default=10, ge=0, le=19)
    """How far jobs step back behind the service; 0 not at all."""
    keep_logs: PositiveInt = 200
    """Newest logs that are kept."""

    @model_validator(mode="after")
    def _signs_come_in_time(self) -> Self:
        if self.lease_s < 2 * self.poll_s:
            raise ValueError("lease_s must be at least twice poll_s")
        return self

    def of(self, kind: Kind) -> KindConfig:
        """The settings of one kind; a rollback has the time of an indexing and no other rule."""
        settings: KindConfig = getattr(self, kind.value if kind is not Kind.ROLLBACK else Kind.EMBED.value)
        return settings
