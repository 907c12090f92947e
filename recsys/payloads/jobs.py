"""Runs of the feedback loop."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class JobAsked(BaseModel):
    """A run was asked for; the loop takes it up within seconds."""

    request: int
    kind: str


class JobBody(BaseModel):
    """One run of the feedback loop."""

    run_id: str
    kind: str = Field(description="embed, fit, fine_tune, evaluate or rollback")
    trigger: str = Field(description="policy, manual or dry_run")
    state: str = Field(description="running, succeeded, refused, failed, skipped or rolled_back")
    attempt: int
    reasons: list[str]
    inputs: dict[str, Any]
    result: dict[str, Any]
    started_at: str
    ended_at: str | None
    steps: int = Field(description="Commands that make up a run of its kind.")
    steps_begun: int | None = Field(default=None, description="Of them; null where nothing was logged yet.")
    log: str | None = Field(default=None, description="Its end; only where one run is asked for.")


class LoopAnswer(BaseModel):
    """The feedback loop as it stands."""

    paused: bool
    holder: str | None = Field(description="Process whose loop turns; none: nobody retrains.")
    running: list[str]
    waiting: list[str] = Field(description="Kinds that were asked for and not begun.")
    runs: list[JobBody] = Field(description="The newest first.")
