"""What one part of the benchmark has to tell: a table, targets, notes and plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Cell = str | int | float


@dataclass(frozen=True)
class Target:
    """A promise with what was measured for it."""

    what: str
    wanted: float
    measured: float
    at_least: bool = True
    """Whether more is better; else `wanted` is an upper limit."""

    @property
    def met(self) -> bool:
        """Whether the promise holds; never for NaN."""
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted


@dataclass(frozen=True)
class Table:
    """Rows of cells under column names; numbers are printed with three significant digits."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Plot:
    """Named lines over one axis, drawn as one SVG."""

    name: str
    """File name without its ending."""
    title: str
    x_label: str
    y_label: str
    lines: dict[str, tuple[tuple[float, ...], tuple[float, ...]]]
    """Name -> x values and y values."""
    log: bool = True
    """Whether both axes are logarithmic."""


@dataclass(frozen=True)
class Section:
    """The outcome of one part."""

    name: str
    """`embedding`, `retrieval`, ...: the option that runs it and the marker in the page."""
    title: str
    tables: tuple[Table, ...]
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = ()
    plots: tuple[Plot, ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    """Raw figures for machines, and for the growth model."""


@dataclass(frozen=True)
class BenchSettings:
    """What a part may know."""

    folder: Path
    """Scratch folder of this run; workspaces of the benchmark go here."""
    quick: bool = False
    """Small sizes: for a look and for tests, never for the page."""
    rounds: int = 5
    """Turns of each contestant."""
    say: Callable[[str], None] = lambda text: None
    """Progress for whoever waits."""
