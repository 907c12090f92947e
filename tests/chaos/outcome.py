"""What came of one fault case: figures, and what was promised beside what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

Cell = str | int | float


@dataclass(frozen=True)
class Check:
    """One promise of a case."""

    what: str
    wanted: str
    found: Cell
    held: bool


@dataclass
class Outcome:
    """Figures by name, promises in order, notes in plain words; a case fills it while it runs."""

    figures: dict[str, Cell] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def require(self, what: str, wanted: str, found: Cell, held: bool) -> None:
        """Add a promise with what was found for it."""
        self.checks.append(Check(what, wanted, found, held))

    def require_zero(self, **counts: int) -> None:
        """Add counts that have to be 0, each as a figure too."""
        for name, count in counts.items():
            self.figures[name] = count
            self.require(name.replace("_", " "), "0", count, count == 0)

    @property
    def held(self) -> bool:
        """Whether every promise held; a case without one has shown nothing."""
        return bool(self.checks) and all(check.held for check in self.checks)


@dataclass(frozen=True)
class Place:
    """What a case may use."""

    folder: Path
    """Its own scratch folder, empty when it begins."""
    shared: Path
    """Folder of what several cases of one run use, such as the shop."""
    seed: int = 1
    quick: bool = False
    """Few repetitions: for a look, never for the page."""
    say: Callable[[str], None] = print

    def times(self, count: int, quick: int) -> int:
        """How often to do a thing."""
        return quick if self.quick else count
