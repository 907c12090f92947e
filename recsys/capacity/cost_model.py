"""Costs of a shard of any size: a line through what was measured, stage by stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.capacity.figures import Figures, SizeFigures

STAGES = ("build_s", "publish_s", "disk_bytes", "memory_bytes", "exact_ms", "search_ms")


@dataclass(frozen=True)
class Line:
    """`base + slope * items`, neither below 0."""

    base: float
    slope: float

    def at(self, items: float) -> float:
        """The cost of so many items."""
        return self.base + self.slope * items

    @classmethod
    def through(cls, items: Sequence[float], costs: Sequence[float]) -> Line:
        """Least squares of plain errors, so that the largest sizes decide: what is asked about is larger.

        Needs two different sizes or more.
        """
        sizes, measured = np.asarray(items, np.float64), np.asarray(costs, np.float64)
        centred = sizes - sizes.mean()
        slope = float(centred @ measured / (centred @ centred))
        base = float(measured.mean() - slope * sizes.mean())
        if base < 0.0:
            return cls(0.0, float(sizes @ measured / (sizes @ sizes)))
        if slope < 0.0:
            return cls(float(measured.mean()), 0.0)
        return cls(base, slope)


@dataclass(frozen=True)
class CostModel:
    """One line a stage; embedding is a rate."""

    lines: dict[str, Line]
    figures: Figures

    @classmethod
    def fit(cls, figures: Figures) -> CostModel:
        """Lines through all measured sizes."""
        return cls({stage: _line(figures.sizes, stage) for stage in STAGES}, figures)

    @property
    def search_spread(self) -> float:
        """Standard deviation of the logarithm of search times: that of the largest size measured."""
        return max(self.figures.sizes, key=lambda size: size.items).search_spread

    def shard(self, items: float) -> dict[str, float]:
        """Costs of one shard by stage, in the units of their names."""
        return {stage: line.at(items) for stage, line in self.lines.items()}

    def embed_core_hours(self, items: float) -> float:
        """Core hours to encode so many texts."""
        return items / self.figures.embed_texts_per_s / 3_600.0


def held_out_errors(figures: Figures) -> dict[str, float]:
    """For each stage: prediction of the largest size over what was measured, fitted to the smaller ones.

    1 is a perfect prediction. Empty with fewer than three sizes.
    """
    sizes = sorted(figures.sizes, key=lambda size: size.items)
    if len(sizes) < 3:
        return {}
    largest = sizes[-1]
    return {
        stage: _line(sizes[:-1], stage).at(largest.items) / float(getattr(largest, stage)) for stage in STAGES
    }


def _line(sizes: Sequence[SizeFigures], stage: str) -> Line:
    return Line.through([size.items for size in sizes], [float(getattr(size, stage)) for size in sizes])
