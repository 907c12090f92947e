"""All methods, tuned on validation and asked once on test, in one table."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.baselines.catalogue import Baseline, Shop, baselines
from recsys.blend.fit import Material, Say, fit_blend, make_signals
from recsys.blend.histories import Histories
from recsys.blend.settings import Blend, FittedBlend
from recsys.blend.signals import Signals
from recsys.config import FitConfig
from recsys.evaluation.ranking import Ranked, Scorer, rank_split
from recsys.evaluation.result import EvaluationResult, IntervalBody, MethodResult, TableResult
from recsys.evaluation.slices import slices_of
from recsys.evaluation.splits import Split, validation_and_test
from recsys.interaction_log import InteractionLog
from recsys.metrics import (
    Interval,
    catalogue_coverage,
    gini,
    intra_list_diversity,
    mean_interval,
    novelty,
    paired_difference,
)

OURS = "ours"
FRONTIER = (0.0, 0.5, 1.0, 2.0, 4.0)
RankSplit = Callable[..., Ranked]


@dataclass(frozen=True, eq=False)
class Dataset:
    """A shop's events and items in the order of `log.item_ids`."""

    label: str
    log: InteractionLog
    vectors: np.ndarray
    texts: Sequence[str]
    categories: Sequence[str | None]


@dataclass(frozen=True, eq=False)
class Blended:
    """Our score as a scorer."""

    signals: Signals
    blend: Blend

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        return self.signals.scores(histories, self.blend)


@dataclass(frozen=True, eq=False)
class _Tuned:
    name: str
    params: dict[str, Any]
    num_trials: int
    validation: float
    scorer: Scorer
    fit_s: float


def evaluate(
    data: Dataset, config: FitConfig, command: str, created_at: str, say: Say, rank: RankSplit = rank_split
) -> EvaluationResult:
    """Every baseline and ours on the test questions, with seen items hidden and with repeats allowed."""
    started = time.perf_counter()
    validation, test = validation_and_test(data.log, config.split, config.holdout_days)
    fitted = fit_blend(validation, data.vectors, data.categories, config, say)
    begun = time.perf_counter()
    signals = make_signals(Material(test.train, data.vectors, data.categories), fitted.settings, config)
    fit_s = time.perf_counter() - begun
    tables = []
    for repeats in (False, True):
        questions = [split if repeats else split.unseen_only() for split in (validation, test)]
        if not all(len(split.users) for split in questions):
            say("nobody has a target that is new to them; that table is left out")
            continue
        ours = _Tuned(
            OURS,
            _shown(fitted, repeats),
            config.num_trials,
            0.0,
            Blended(signals, fitted.blend(repeats)),
            fit_s,
        )
        tables.append(_table(data, config, questions[0], questions[1], ours, fitted, repeats, say, rank))
    return EvaluationResult(
        label=data.label,
        split=config.split,
        holdout_days=config.holdout_days if config.split == "temporal" else None,
        num_items=data.log.num_items,
        num_users=data.log.num_users,
        num_events=len(data.log),
        num_train_events=len(test.train),
        seed=config.seed,
        command=command,
        created_at=created_at,
        seconds=time.perf_counter() - started,
        tables=tuple(tables),
    )


def _shown(fitted: FittedBlend, repeats: bool) -> dict[str, Any]:
    return {
        **fitted.settings.model_dump(),
        **{f"w_{k}": v for k, v in fitted.blend(repeats).model_dump().items()},
    }


def _table(
    data: Dataset,
    config: FitConfig,
    validation: Split,
    test: Split,
    ours: _Tuned,
    fitted: FittedBlend,
    repeats: bool,
    say: Say,
    rank: RankSplit,
) -> TableResult:
    ranked, ours_s = _timed(rank, ours.scorer, test, repeats)
    name = "again" if repeats else "discover"
    value = fitted.validation.get(f"{name} ndcg@10", 0.0)
    methods = [_method(data, test, ours, ranked, None, ours_s, config, value)]
    say(f"{name}: ours {methods[0].metrics['ndcg@10']:.4f}")
    sample = validation.sample(int(min(config.max_users, max(1.6e8 / data.log.num_items, 100))), config.seed)
    for baseline in baselines(config, repeats):
        tuned = _tune(baseline, data, config, sample, test, repeats)
        theirs, seconds = _timed(rank, tuned.scorer, test, repeats)
        methods.append(_method(data, test, tuned, theirs, ranked, seconds, config, tuned.validation))
        say(f"{name}: {baseline.name} {methods[-1].metrics['ndcg@10']:.4f} with {tuned.params}")
    frontier = _frontier(ours.scorer, test, repeats, rank)
    return TableResult(
        title="repeats allowed" if repeats else "seen items hidden",
        mask_seen=not repeats,
        num_users=len(test.users),
        num_without_target=test.num_without_target,
        methods=tuple(sorted(methods, key=lambda m: -m.metrics["ndcg@10"])),
        frontier=frontier,
    )


def _timed(rank: RankSplit, scorer: Scorer, split: Split, repeats: bool) -> tuple[Ranked, float]:
    begun = time.perf_counter()
    ranked = rank(scorer, split, not repeats)
    return ranked, time.perf_counter() - begun


def _tune(
    baseline: Baseline, data: Dataset, config: FitConfig, validation: Split, test: Split, repeats: bool
) -> _Tuned:
    """The grid's best on validation (the earlier of equals), fitted again on what precedes the test."""
    best, best_params = -1.0, dict[str, Any]()
    for params, scorer in baseline.fit(
        Shop(validation.train, data.vectors, data.texts, config), baseline.grid
    ):
        ranked = rank_split(scorer, validation, not repeats, with_auc=False)
        value = float(ranked.metrics["ndcg@10"].mean())
        if value > best:
            best, best_params = value, params
    begun = time.perf_counter()
    _, scorer = next(baseline.fit(Shop(test.train, data.vectors, data.texts, config), [best_params]))
    return _Tuned(baseline.name, best_params, len(baseline.grid), best, scorer, time.perf_counter() - begun)


def _method(
    data: Dataset,
    test: Split,
    tuned: _Tuned,
    ranked: Ranked,
    ours: Ranked | None,
    seconds: float,
    config: FitConfig,
    validation: float,
) -> MethodResult:
    values = ranked.metrics["ndcg@10"]
    top = ranked.lists[:, :10]
    counts = np.bincount(test.train.items, minlength=data.log.num_items)
    metrics = {name: float(np.nanmean(found)) for name, found in ranked.metrics.items()}
    metrics |= {
        "coverage@10": catalogue_coverage(top, data.log.num_items),
        "gini@10": gini(top, data.log.num_items),
        "novelty@10": novelty(top, counts),
        "diversity@10": intra_list_diversity(top, data.vectors),
    }
    difference = paired_difference(ours.metrics["ndcg@10"], values, config.seed) if ours else None
    return MethodResult(
        name=tuned.name,
        params=tuned.params,
        num_trials=tuned.num_trials,
        validation=validation,
        metrics=metrics,
        ndcg=_body(mean_interval(values, config.seed)),
        difference=_body(difference) if difference else None,
        slices=slices_of(ranked, test, data.categories),
        fit_s=tuned.fit_s,
        users_per_s=len(test.users) / max(seconds, 1e-9),
    )


def _body(interval: Interval) -> IntervalBody:
    return IntervalBody(mean=interval.mean, low=interval.low, high=interval.high)


def _frontier(
    ours: Scorer, test: Split, repeats: bool, rank: RankSplit
) -> tuple[tuple[float, float, float], ...]:
    """Accuracy against coverage as the factor of popularity moves, in units of the text factor."""
    if not isinstance(ours, Blended):
        return ()
    found = []
    sample = test.sample(2_000, 0)
    base = max(abs(ours.blend.text), 1e-3) * 0.02
    for step in FRONTIER:
        blend = ours.blend.model_copy(update={"popularity": step * base})
        ranked = rank(Blended(ours.signals, blend), sample, not repeats, with_auc=False)
        coverage = catalogue_coverage(ranked.lists[:, :10], test.train.num_items)
        found.append((step * base, float(ranked.metrics["ndcg@10"].mean()), coverage))
    return tuple(found)
