"""What a search found, in a form that is stored, printed and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsys.config import Config
from recsys.evaluation.result import IntervalBody
from recsys.metrics import paired_difference

SCHEMA_VERSION = 1


class Trial(Config):
    """One point of the search."""

    number: int
    """In the order of their beginning; 0 is today's."""
    params: dict[str, Any]
    value: float | None
    """Best validation NDCG@10; None for a trial that failed or was cut off before its first figure."""
    seconds: float
    epochs: int | None = None
    """Passes until it ended; None where a trial has none."""
    error: str = ""


class Gain(Config):
    """The best beside today's, on the same users."""

    question: str
    users: int
    today: float
    best: float
    difference: IntervalBody
    """Best less today's, NDCG@10."""


class TuningResult(Config):
    """One run of `recsys tune`."""

    schema_version: int = SCHEMA_VERSION
    kind: str
    label: str
    command: str
    created_at: str
    seconds: float
    today: dict[str, Any]
    best: dict[str, Any]
    best_number: int
    trials: tuple[Trial, ...]
    gains: tuple[Gain, ...]
    use: str
    """What to type to use the best."""

    @property
    def is_surely_better(self) -> bool:
        """Whether some interval of an untouched test lies above zero, and none below."""
        tested = [gain.difference for gain in self.gains if gain.question.startswith("test")]
        return any(one.low > 0.0 for one in tested) and not any(one.high < 0.0 for one in tested)


def gains_of(today: Mapping[str, np.ndarray], best: Mapping[str, np.ndarray], seed: int) -> tuple[Gain, ...]:
    """Paired comparison of NDCG@10 `[B]` by user for each question."""
    found = []
    for question, before in today.items():
        after = best[question]
        gap = paired_difference(after, before, seed)
        found.append(
            Gain(
                question=question,
                users=len(before),
                today=float(before.mean()),
                best=float(after.mean()),
                difference=IntervalBody(mean=gap.mean, low=gap.low, high=gap.high),
            )
        )
    return tuple(found)
