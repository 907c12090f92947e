"""One run of the feedback loop: what was asked, why, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a run does."""

    EMBED = "embed"
    """Encode new and changed texts and index them; what was learned from events is carried over."""
    FIT = "fit"
    """Encode what is new, learn from events, build a version, judge it, publish it."""
    FINE_TUNE = "fine_tune"
    """Train the encoder on events, encode the catalog with it, then fit."""
    EVALUATE = "evaluate"
    """Compare all methods on held-out events; nothing is published."""
    ROLLBACK = "rollback"
    """Go back to the version published before, since the one in service fails."""


class Trigger(StrEnum):
    """Who wanted a run."""

    POLICY = "policy"
    MANUAL = "manual"
    DRY_RUN = "dry_run"
    """Nobody: it was asked what would be done."""


class RunState(StrEnum):
    """Where a run stands."""

    DECIDED = "decided"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    """The gate kept the published version."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """Asked for, and not possible."""
    ROLLED_BACK = "rolled_back"
    """Published, and taken out of service afterwards."""


FINISHED = frozenset({RunState.SUCCEEDED, RunState.REFUSED, RunState.ROLLED_BACK})
"""States of runs that did what they could with what there was: the same input gives nothing new."""


@dataclass(frozen=True)
class Run:
    """One row of the loop's book."""

    run_id: str
    kind: Kind
    trigger: Trigger
    state: RunState
    events_seq: int
    """Number of the newest event when it began."""
    catalog_seq: int
    """Number of the newest catalog change when it began."""
    reasons: tuple[str, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1
    """1 for the first, one more for each failure before it."""
    started_at_us: int = 0
    """Wall clock, for people; no rule reads it."""
    ended_at_us: int | None = None
    ended_s: float | None = None
    """Steady clock (see `SteadyClock`), as the next."""
    retry_at_s: float | None = None
    """Earliest next attempt after a failure."""

    @property
    def is_finished(self) -> bool:
        """Whether it came to an end that a repetition would not change."""
        return self.state in FINISHED
