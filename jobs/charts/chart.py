"""What a chart shows, whatever draws it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

Value = float | str | datetime
"""A place on an axis: a number, a name, or a moment."""


class Kind(StrEnum):
    """How the values of a chart are drawn."""

    LINES = "lines"
    BARS = "bars"
    POINTS = "points"


@dataclass(frozen=True)
class Series:
    """Named values, with an interval each where `low` and `high` are given; all of one length."""

    name: str
    x: Sequence[Value]
    y: Sequence[Value]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    notes: Sequence[str] = ()
    """What a page says of each value under the pointer."""

    def reach(self) -> tuple[list[float], list[float]] | None:
        """How far the interval goes below and above each value, None without intervals."""
        if not self.low:
            return None
        ys = [float(y) for y in self.y if not isinstance(y, datetime)]
        below = [max(y - low, 0.0) for y, low in zip(ys, self.low, strict=True)]
        return below, [max(high - y, 0.0) for y, high in zip(ys, self.high, strict=True)]


@dataclass(frozen=True)
class Chart:
    """Series over the same axes."""

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    kind: Kind = Kind.LINES
    log: bool = False
    """Both axes logarithmic."""
    from_zero: bool = False
    """The value axis begins at 0."""
