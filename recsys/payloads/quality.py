"""How good lists were, over time."""

from __future__ import annotations

from pydantic import BaseModel, Field


class QualityPoint(BaseModel):
    """One figure at one time."""

    at: str
    series: str = Field(description="What is measured, and on which questions.")
    value: float
    low: float | None = Field(default=None, description="95 % interval, where one was computed.")
    high: float | None = None
    of: str = Field(description="Index version, run or evaluation that it belongs to.")


class QualityAnswer(BaseModel):
    """Figures that are stored, the oldest first."""

    points: list[QualityPoint]
    reports: list[str] = Field(description="Evaluations that were read, the newest first.")
