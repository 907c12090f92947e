"""From candidates in the order of their scores to a list: unlike each other, true to the shopper's mix.

Maximal marginal relevance: Carbonell, Goldstein 1998. Calibration: Steck 2018, by greedy choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recsys.rerank.collapse import representatives
from recsys.rerank.pool import Pool
from recsys.rerank.settings import ListSettings

SMOOTHING = 0.01
"""Share of the shopper's mix that a list is taken to have anyway, so that the divergence is finite."""


@dataclass(frozen=True)
class Arranged:
    """A list as places of the pool."""

    order: tuple[int, ...]
    notes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Place of the pool -> what gave the item its place beside its score."""
    collapsed: Mapping[int, int] = field(default_factory=dict)
    """Place that is left out -> the place that stands for it."""


def arrange(
    pool: Pool, settings: ListSettings, n: int, *, mix: Mapping[str, float] | None = None, now_us: int = 0
) -> Arranged:
    """The best `n` of a pool, each chosen for its score and for what it adds to those before it.

    `mix` is the shopper's share of each top category; without one nothing is calibrated. The first
    place goes to the best score (freshness counted in). With everything off the order is the pool's own.
    Ties go to the earlier candidate. What was collapsed fills the list's end where nothing else is left.
    """
    if settings.is_off or len(pool) == 0:
        return Arranged(tuple(range(min(n, len(pool)))))
    stands_for = representatives(pool, settings)
    kept = np.array([place for place in range(len(pool)) if place not in stands_for], np.int64)
    base = pool.relevance()
    lifted = base + settings.freshness * _freshness(pool, settings, now_us)
    choice = _Choice(pool, settings, lifted, mix or {})
    order = choice.greedy(kept, n)
    rest = [place for place in range(len(pool)) if place in stands_for][: n - len(order)]
    notes = _notes(order, kept, base, lifted, choice.turns)
    return Arranged((*order, *rest), notes, {place: stands_for[place] for place in stands_for})


def _freshness(pool: Pool, settings: ListSettings, now_us: int) -> np.ndarray:
    """How much newer than its category's other candidates each is, `[K]` in [-1, 1]."""
    fresh = np.exp2(-pool.ages_days(now_us) / settings.freshness_half_life_days)
    _, group = np.unique(np.array(pool.categories(), object).astype(str), return_inverse=True)
    means = np.bincount(group, fresh) / np.bincount(group)
    return np.asarray(fresh - means[group])


class _Choice:
    """Greedy choice of places."""

    def __init__(
        self, pool: Pool, settings: ListSettings, relevance: np.ndarray, mix: Mapping[str, float]
    ) -> None:
        self._relevance, self._vectors = relevance, np.asarray(pool.vectors, np.float32)
        self._diversity = settings.diversity
        total = sum(mix.values())
        self._calibration = settings.calibration if total > 0.0 else 0.0
        names = sorted({*mix, *pool.categories()})
        number = {name: place for place, name in enumerate(names)}
        self._category = np.array([number[name] for name in pool.categories()], np.int64)
        self._mix = np.array([mix.get(name, 0.0) / total if total > 0.0 else 0.0 for name in names])
        self.turns: dict[int, tuple[str, ...]] = {}

    def greedy(self, kept: np.ndarray, n: int) -> list[int]:
        """Places of the pool, best first."""
        left = np.zeros(len(self._relevance), bool)
        left[kept] = True
        nearest = np.zeros(len(self._relevance))
        counts = np.zeros(len(self._mix))
        order: list[int] = []
        while left.any() and len(order) < n:
            place = self._next(left, nearest, counts, bool(order))
            order.append(place)
            left[place] = False
            nearest = np.maximum(nearest, self._vectors @ self._vectors[place])
            counts[self._category[place]] += 1.0
        return order

    def _next(self, left: np.ndarray, nearest: np.ndarray, counts: np.ndarray, begun: bool) -> int:
        plain = _best(self._relevance, left)
        if not begun:
            return plain
        true_to_mix = (1.0 - self._calibration) * self._relevance
        if self._calibration:
            true_to_mix = true_to_mix - self._calibration * self._divergence(counts)[self._category]
        chosen = _best((1.0 - self._diversity) * true_to_mix - self._diversity * nearest, left)
        reasons = []
        if self._calibration and _best(true_to_mix, left) != plain:
            reasons.append("calibration")
        if self._diversity and chosen != _best(true_to_mix, left):
            reasons.append("diversity")
        if chosen != plain and reasons:
            self.turns[chosen] = tuple(reasons)
        return chosen

    def _divergence(self, counts: np.ndarray) -> np.ndarray:
        """Kullback-Leibler divergence of the mix from the list's, with one more of each category."""
        with_one = (counts[None, :] + np.eye(len(counts))) / (counts.sum() + 1.0)
        smooth = (1.0 - SMOOTHING) * with_one + SMOOTHING * self._mix[None, :]
        known = self._mix > 0.0
        ratio = self._mix[known] / smooth[:, known]
        return np.asarray((self._mix[known] * np.log(ratio)).sum(axis=1))


def _best(values: np.ndarray, left: np.ndarray) -> int:
    return int(np.argmax(np.where(left, values, -np.inf)))


def _notes(
    order: list[int],
    kept: np.ndarray,
    base: np.ndarray,
    lifted: np.ndarray,
    turns: Mapping[int, tuple[str, ...]],
) -> dict[int, tuple[str, ...]]:
    """What moved each place; freshness where an item rose among the candidates by it."""
    by_base = {int(p): rank for rank, p in enumerate(kept[np.argsort(-base[kept], kind="stable")])}
    by_lifted = {int(p): rank for rank, p in enumerate(kept[np.argsort(-lifted[kept], kind="stable")])}
    found = {}
    for place in order:
        fresh = ("freshness",) if by_lifted[place] < by_base[place] else ()
        if said := (*turns.get(place, ()), *fresh):
            found[place] = said
    return found


def category_mix(weights: Mapping[str, float], categories: Mapping[str, str]) -> dict[str, float]:
    """Share of each top category in a shopper's positive weights by item; items without one do not count."""
    found: dict[str, float] = {}
    for item_id, weight in weights.items():
        top = categories.get(item_id, "").split("/", 1)[0]
        if weight > 0.0 and top:
            found[top] = found.get(top, 0.0) + weight
    total = sum(found.values())
    return {name: value / total for name, value in sorted(found.items())} if total > 0.0 else {}
