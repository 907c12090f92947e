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
        """Least squares of relative errors; needs one positive cost or more.

        Sizes span orders of magnitude: absolute errors would fit the largest alone.
        """
        weight = 1.0 / np.asarray(costs, np.float64)
        ones, sizes = weight, weight * np.asarray(items, np.float64)
        columns = np.stack([ones, sizes], axis=1)
        # Scaled, since items are a million times the constant.
        scale = np.linalg.norm(columns, axis=0)
        base, slope = np.linalg.lstsq(columns / scale, np.ones(len(weight)), rcond=None)[0] / scale
        if base < 0.0:
            return cls(0.0, float(sizes.sum() / (sizes @ sizes)))
        if slope < 0.0:
            return cls(float(ones.sum() / (ones @ ones)), 0.0)
        return cls(float(base), float(slope))


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
