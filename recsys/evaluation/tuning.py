"""Baselines tuned on validation and fitted for the test."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recsys.baselines.catalogue import Baseline, Shop
from recsys.evaluation.protocol import Protocol
from recsys.evaluation.ranking import Scorer, rank_split


@dataclass(frozen=True, eq=False)
class Tuned:
    """A method with the settings chosen on validation, fitted on what precedes the test."""

    name: str
    params: dict[str, Any]
    num_trials: int
    validation: float
    """NDCG@10 of the chosen settings."""
    scorer: Scorer
    fit_s: float


def tune(baseline: Baseline, shops: tuple[Shop, Shop], asked: Sequence[Protocol]) -> list[Tuned]:
    """For each protocol the grid's best on its validation questions, the earlier of equals.

    `shops` are what precedes validation and what precedes the test, the same for all protocols. Each
    setting is fitted once for all protocols.
    """
    best: list[tuple[float, dict[str, Any]]] = [(-1.0, {})] * len(asked)
    for params, scorer in baseline.fit(shops[0], baseline.grid):
        for place, protocol in enumerate(asked):
            ranked = rank_split(scorer, protocol.validation, protocol.mask_seen, with_auc=False)
            value = float(ranked.metrics["ndcg@10"].mean())
            if value > best[place][0]:
                best[place] = value, params
    return [fitted(baseline, params, shops[1], value) for value, params in best]


def fitted(baseline: Baseline, params: dict[str, Any], shop: Shop, validation: float) -> Tuned:
    """A baseline of known settings, fitted on a shop."""
    begun = time.perf_counter()
    _, scorer = next(baseline.fit(shop, [params]))
    seconds = time.perf_counter() - begun
    return Tuned(baseline.name, params, len(baseline.grid), validation, scorer, seconds)
