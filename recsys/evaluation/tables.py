"""Results of methods on the test questions of one protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from recsys.blend.blended import Blended
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.protocol import Protocol
from recsys.evaluation.ranking import Ranked
from recsys.evaluation.result import IntervalBody, MethodResult, TableResult
from recsys.evaluation.slices import slices_of
from recsys.evaluation.tuning import Tuned
from recsys.metrics import (
    Interval,
    catalogue_coverage,
    gini,
    intra_list_diversity,
    mean_interval,
    novelty,
    paired_difference,
)

FRONTIER = (0.0, 0.5, 1.0, 2.0, 4.0)
RankSplit = Callable[..., Ranked]
Say = Callable[[str], None]


class TableMaker:
    """One table: ours first, then whatever it is compared with, each ranked once."""

    def __init__(
        self, data: Dataset, protocol: Protocol, ours: Tuned, config: FitConfig, rank: RankSplit, say: Say
    ) -> None:
        self._data, self._protocol, self._ours = data, protocol, ours
        self._config, self._rank, self._say = config, rank, say
        self._ranked, seconds = self._timed(ours)
        self._methods = [self._result(ours, self._ranked, seconds, None)]

    def add(self, tuned: Tuned) -> None:
        """Ask one more method."""
        ranked, seconds = self._timed(tuned)
        self._methods.append(self._result(tuned, ranked, seconds, self._ranked))

    def table(self) -> TableResult:
        """All methods so far, best NDCG@10 first."""
        return TableResult(
            title=self._protocol.title,
            mask_seen=self._protocol.mask_seen,
            num_users=len(self._protocol.test.users),
            num_without_target=self._protocol.test.num_without_target,
            methods=tuple(sorted(self._methods, key=lambda method: -method.metrics["ndcg@10"])),
            frontier=tuple(self._frontier()),
        )

    def _timed(self, tuned: Tuned) -> tuple[Ranked, float]:
        begun = time.perf_counter()
        ranked = self._rank(tuned.scorer, self._protocol.test, self._protocol.mask_seen)
        value = ranked.metrics["ndcg@10"].mean()
        self._say(f"{self._protocol.title}: {tuned.name} NDCG@10 {value:.4f} {_short(tuned.params)}")
        return ranked, time.perf_counter() - begun

    def _result(self, tuned: Tuned, ranked: Ranked, seconds: float, ours: Ranked | None) -> MethodResult:
        values, test = ranked.metrics["ndcg@10"], self._protocol.test
        seed = self._config.seed
        difference = paired_difference(ours.metrics["ndcg@10"], values, seed) if ours else None
        return MethodResult(
            name=tuned.name,
            params=tuned.params,
            num_trials=tuned.num_trials,
            validation=tuned.validation,
            metrics=self._means(ranked),
            ndcg=_body(mean_interval(values, seed)),
            difference=_body(difference) if difference else None,
            slices=slices_of(ranked, test, self._data.categories),
            fit_s=tuned.fit_s,
            users_per_s=len(test.users) / max(seconds, 1e-9),
        )

    def _means(self, ranked: Ranked) -> dict[str, float]:
        top, size = ranked.lists[:, :10], self._data.log.num_items
        counts = np.bincount(self._protocol.test.train.items, minlength=size)
        return {name: float(np.nanmean(found)) for name, found in ranked.metrics.items()} | {
            "coverage@10": catalogue_coverage(top, size),
            "gini@10": gini(top, size),
            "novelty@10": novelty(top, counts),
            "diversity@10": intra_list_diversity(top, self._data.vectors),
        }

    def _frontier(self) -> Iterable[tuple[float, float, float]]:
        """Accuracy against coverage as the factor of popularity moves, in units of the text factor."""
        ours = self._ours.scorer
        if not isinstance(ours, Blended):
            return
        sample = self._protocol.test.sample(2_000, 0)
        base = max(abs(ours.blend.text), 1e-3) * 0.02
        for step in FRONTIER:
            blend = ours.blend.model_copy(update={"popularity": step * base})
            scorer = Blended(ours.signals, blend)
            ranked = self._rank(scorer, sample, self._protocol.mask_seen, with_auc=False)
            coverage = catalogue_coverage(ranked.lists[:, :10], sample.train.num_items)
            yield step * base, float(ranked.metrics["ndcg@10"].mean()), coverage


def _short(params: dict[str, Any]) -> str:
    """Settings on one line; a fit with many is to be read in the report."""
    shown = {name: f"{value:.3g}" if isinstance(value, float) else value for name, value in params.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items()) if len(shown) <= 5 else ""


def _body(interval: Interval) -> IntervalBody:
    return IntervalBody(mean=interval.mean, low=interval.low, high=interval.high)
