"""A list in the making: what it is made for, the places filled so far, and what to confess about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from recsys.answer_record import Explored
from recsys.filters import Filter
from recsys.relations import HeldBack
from serve_app.index_view import IndexView
from serve_app.retriever import Coverage, Retrieved


@dataclass(frozen=True)
class Place:
    """One place of a list."""

    item_id: str
    source: str
    """Which source or rung of the ladder gave it."""
    score: float
    rules: tuple[str, ...] = ()
    """Names of the rules that chose or moved it."""
    moved_by: tuple[str, ...] = ()
    """What gave it this place beside its score."""
    goes_with: str = ""
    """The shopper's own item, or one of the request, that it goes with."""


@dataclass
class Draft:
    """One list on its way through the steps; belongs to one request."""

    view: IndexView
    n: int
    """Places wanted."""
    where: Filter | None
    hidden: set[str]
    """Items that must not be in the list."""
    barred: frozenset[str] = frozenset()
    """Those of them that no rule may bring back: excluded by the caller, blocked, rejected."""
    scenario: str = ""
    unit: str = ""
    """Key of the shopper; empty when nobody is named."""
    anchor: str = ""
    """The shopper's own item that all of it is made around; empty where there is none."""
    places: list[Place] = field(default_factory=list)
    """In the order of the list."""
    degraded: set[str] = field(default_factory=set)
    coverage: Coverage | None = None
    arms: Mapping[str, str] = field(default_factory=dict)
    """Experiment -> arm."""
    teams: Mapping[str, str] = field(default_factory=dict)
    """Item -> arm that drafted it."""
    explored: Explored | None = None
    applied_rules: list[str] = field(default_factory=list)
    rule_conflicts: list[str] = field(default_factory=list)
    held: list[HeldBack] = field(default_factory=list)
    """What stated relations took out of its place."""

    def confess(self, found: Retrieved) -> None:
        """Remember what a search had no part in."""
        self.degraded |= found.degraded
        worse = self.coverage is None or found.coverage.ratio < self.coverage.ratio
        self.coverage = found.coverage if worse else self.coverage
