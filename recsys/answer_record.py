"""What was answered to whom: the ground of attribution, off-policy evaluation and exposure reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Explored:
    """The one place of a list that chance filled, with the chance that each candidate had."""

    position: int
    """Place in the list, from 1."""
    candidates: tuple[str, ...]
    probabilities: tuple[float, ...]
    """In the order of the candidates; sums to 1."""
    chosen: str

    @property
    def propensity(self) -> float:
        """Chance with which the item that was shown was drawn."""
        return self.probabilities[self.candidates.index(self.chosen)]


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One list as it left the service."""

    recommendation_id: str
    at_us: int
    """When it was answered, microseconds since 1970 UTC."""
    unit: str
    """Key of the shopper (`user:ID`, `visitor:ID`); empty when nobody was named."""
    scenario: str
    index_version: str
    item_ids: tuple[str, ...]
    """In the order of the list."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """Experiment -> arm."""
    teams: Mapping[str, str] = field(default_factory=dict)
    """Item -> arm that drafted it, where lists were interleaved."""
    explored: Explored | None = None
    degraded: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The parts that are kept as one JSON document."""
        explored = self.explored
        return {
            "item_ids": list(self.item_ids),
            "arms": dict(self.arms),
            "teams": dict(self.teams),
            "degraded": list(self.degraded),
            "explored": None
            if explored is None
            else [
                explored.position,
                list(explored.candidates),
                list(explored.probabilities),
                explored.chosen,
            ],
        }

    @staticmethod
    def of_json(head: tuple[str, int, str, str, str], body: Mapping[str, Any]) -> AnswerRecord:
        """The record of its first five fields and `as_json`."""
        explored = body["explored"]
        return AnswerRecord(
            *head,
            tuple(body["item_ids"]),
            body["arms"],
            body["teams"],
            explored and Explored(explored[0], tuple(explored[1]), tuple(explored[2]), explored[3]),
            tuple(body["degraded"]),
        )
