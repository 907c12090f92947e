"""What a search tries, as data; who runs the search turns it into its own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Between:
    """Any number of a range."""

    low: float
    high: float
    log: bool = False
    """Whether ratios count alike instead of differences."""


@dataclass(frozen=True)
class OneOf:
    """One of some values."""

    values: tuple[Any, ...]


Space = dict[str, Between | OneOf]


def inside(space: Space, point: dict[str, Any]) -> dict[str, Any]:
    """`point` in the dimensions of the space: numbers moved into their range, unknown values left out."""
    found: dict[str, Any] = {}
    for name, own in space.items():
        value = point[name]
        if isinstance(own, Between):
            found[name] = min(max(float(value), own.low), own.high)
        elif value in own.values:
            found[name] = value
    return found
