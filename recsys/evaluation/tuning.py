"""Baselines tuned on validation and fitted for the test."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from recsys.baselines.catalogue import Baseline, Shop
from recsys.config import FitConfig
from recsys.dataset import Dataset
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


def tune(baseline: Baseline, data: Dataset, asked: Sequence[Protocol], config: FitConfig) -> list[Tuned]:
    """For each protocol the grid's best on its validation questions, the earlier of equals.

    Each setting is fitted once for all protocols, which share their training events.
    """
    best: list[tuple[float, dict[str, Any]]] = [(-1.0, {})] * len(asked)
    shop = Shop(replace(data, log=asked[0].validation.train), config)
    for params, scorer in baseline.fit(shop, baseline.grid):
        for place, protocol in enumerate(asked):
            ranked = rank_split(scorer, protocol.validation, protocol.mask_seen, with_auc=False)
            value = float(ranked.metrics["ndcg@10"].mean())
            if value > best[place][0]:
                best[place] = value, params
    return [
        fitted(baseline, params, data, protocol, config, value)
        for protocol, (value, params) in zip(asked, best, strict=True)
    ]


def fitted(
    baseline: Baseline,
    params: dict[str, Any],
    data: Dataset,
    protocol: Protocol,
    config: FitConfig,
    validation: float,
) -> Tuned:
    """A baseline of known settings, fitted on what precedes the test."""
    begun = time.perf_counter()
    shop = Shop(replace(data, log=protocol.test.train), config)
    _, scorer = next(baseline.fit(shop, [params]))
    seconds = time.perf_counter() - begun
    return Tuned(baseline.name, params, len(baseline.grid), validation, scorer, seconds)
