"""Side by side timing: the contestants take turns, so that a slow minute hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

ROUNDS = 5
"""Least rounds behind a median that is reported."""


@dataclass(frozen=True)
class Spread:
    """Median and range of one figure over the rounds."""

    median: float
    low: float
    high: float

    def ratio(self, other: Spread) -> float:
        """How many times this median is the other's."""
        return self.median / other.median

    def text(self, digits: int = 3) -> str:
        """`median [low, high]` with so many significant digits."""
        median, low, high = (
            f"{float(f'{figure:.{digits}g}'):,.10g}" for figure in (self.median, self.low, self.high)
        )
        return f"{median} [{low}, {high}]"


def spread(values: list[float]) -> Spread:
    """Median and range; raises `ValueError` for no values."""
    return Spread(float(np.median(values)), min(values), max(values))


def side_by_side(contestants: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, Spread]:
    """Each contestant's figure, in the order A B A B …, after one unmeasured turn each.

    A contestant gives its own figure (items a second, milliseconds, …) for one turn.
    """
    for turn in contestants.values():
        turn()
    found: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, turn in contestants.items():
            found[name].append(turn())
    return {name: spread(values) for name, values in found.items()}


def seconds(call: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
