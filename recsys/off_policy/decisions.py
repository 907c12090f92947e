"""Logged decisions as arrays: who chose among what, with which chances, and what it earned."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from recsys.answer_record import AnswerRecord

SUM_SLACK = 1e-6


@dataclass(frozen=True, eq=False)
class DecisionLog:
    """`N` decisions over `M` candidates in all: of decision `i` those at `offsets[i]` to `offsets[i + 1]`."""

    unit: np.ndarray
    """`[N] int64`: number of the shopper; decisions of one shopper are not independent."""
    offsets: np.ndarray
    """`[N + 1] int64`."""
    items: np.ndarray
    """`[M]` ids of the candidates."""
    probabilities: np.ndarray
    """`[M] float64`: chances of the logging policy; they sum to 1 in each decision."""
    chosen: np.ndarray
    """`[N] int64`: place of the chosen candidate among the `M`."""
    reward: np.ndarray
    """`[N] float64`."""
    features: np.ndarray | None = None
    """`[M, P] float64`: what a reward model may know of each candidate in its decision."""
    quarantined: Mapping[str, int] = field(default_factory=dict)
    """Decisions that were left out, by reason."""

    def __len__(self) -> int:
        """Decisions."""
        return len(self.reward)

    @property
    def decision(self) -> np.ndarray:
        """`[M] int64`: decision of each candidate."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    @property
    def propensity(self) -> np.ndarray:
        """`[N] float64`: chance of what was chosen."""
        return np.asarray(self.probabilities[self.chosen], np.float64)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """`[N]`: `[M]` values added up in each decision."""
        return np.bincount(self.decision, values, minlength=len(self))


def from_records(records: Iterable[AnswerRecord], rewards: Mapping[str, float]) -> DecisionLog:
    """The decisions of answers with a place of chance; reward by recommendation id, 0 where absent.

    A record whose chances are no chances, or whose reward is no number, is left out and counted.
    """
    units: dict[str, int] = {}
    rows: list[tuple[int, list[str], list[float], int, float]] = []
    faults: Counter[str] = Counter()
    for record in records:
        drawn = record.explored
        if drawn is None:
            continue
        reward = float(rewards.get(record.recommendation_id, 0.0))
        fault = _fault(drawn.candidates, drawn.probabilities, drawn.chosen, reward)
        if fault is not None:
            faults[fault] += 1
            continue
        unit = units.setdefault(record.unit or record.recommendation_id, len(units))
        place = drawn.candidates.index(drawn.chosen)
        rows.append((unit, list(drawn.candidates), list(drawn.probabilities), place, reward))
    return _log(rows, dict(faults))


def _fault(candidates: tuple[str, ...], chances: tuple[float, ...], chosen: str, reward: float) -> str | None:
    if len(candidates) != len(chances) or not candidates:
        return "candidates_and_chances_differ"
    if not all(math.isfinite(one) and 0.0 <= one <= 1.0 for one in chances):
        return "chance_out_of_range"
    if abs(math.fsum(chances) - 1.0) > SUM_SLACK:
        return "chances_do_not_sum_to_one"
    if chosen not in candidates:
        return "chosen_is_no_candidate"
    if chances[candidates.index(chosen)] <= 0.0:
        return "chosen_had_no_chance"
    return None if math.isfinite(reward) else "reward_is_no_number"


def _log(rows: list[tuple[int, list[str], list[float], int, float]], faults: dict[str, int]) -> DecisionLog:
    offsets = np.cumsum([0, *(len(candidates) for _, candidates, *_ in rows)]).astype(np.int64)
    return DecisionLog(
        np.array([unit for unit, *_ in rows], np.int64),
        offsets,
        np.array([item for _, candidates, *_ in rows for item in candidates], object),
        np.array([chance for _, _, chances, *_ in rows for chance in chances], np.float64),
        offsets[:-1] + np.array([place for *_, place, _ in rows], np.int64),
        np.array([reward for *_, reward in rows], np.float64),
        quarantined=faults,
    )
