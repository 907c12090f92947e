"""All methods, tuned on validation and asked once on test, in one table a protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from recsys.baselines.catalogue import Shop, baselines
from recsys.blend.blended import Blended
from recsys.blend.fit import fit_blend
from recsys.blend.making import make_signals
from recsys.blend.settings import FittedBlend
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.protocol import Protocol, cold_protocol, protocols
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.result import EvaluationResult, TableResult
from recsys.evaluation.splits import Split, validation_and_test
from recsys.evaluation.tables import RankSplit, Say, TableMaker
from recsys.evaluation.tuning import Tuned, fitted, tune
from recsys.ranker.features import ItemFacts
from recsys.ranker.learned import TREES, LearnedRanker, fit_ranker

OURS, RANKER = "ours", "ours, order learned"


def evaluate(
    data: Dataset, config: FitConfig, command: str, created_at: str, say: Say, rank: RankSplit = rank_split
) -> EvaluationResult:
    """Every baseline and ours: seen items hidden, repeats allowed, and items that nobody has touched."""
    started = time.perf_counter()
    validation, test = validation_and_test(data.log, config.split, config.holdout_days)
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
        tables=tuple(_tables(data, config, validation, test, say, rank)),
        seconds=time.perf_counter() - started,
    )


def _tables(
    data: Dataset, config: FitConfig, validation: Split, test: Split, say: Say, rank: RankSplit
) -> list[TableResult]:
    asked = protocols(validation, test, config, say)
    blend = fit_blend(validation, data, config, say)
    ours = _ours(data, blend, asked, config)
    makers = [TableMaker(data, p, own, config, rank, say) for p, own in zip(asked, ours, strict=True)]
    for maker, ranker in zip(makers, _rankers(data, blend, asked, ours, config, say), strict=True):
        maker.add(ranker)
    chosen: dict[str, dict[str, Any]] = {}
    shops = _shop(data, asked[0].validation, config), _shop(data, asked[0].test, config)
    for baseline in baselines(config):
        places = [n for n, p in enumerate(asked) if not (baseline.repeats_only and p.mask_seen)]
        if not places:
            continue
        tuned = tune(baseline, shops, [asked[n] for n in places])
        for place, one in zip(places, tuned, strict=True):
            makers[place].add(one)
        chosen[baseline.name] = tuned[0].params
    tables = [maker.table() for maker in makers]
    cold = cold_protocol(test, config, say)
    return tables if cold is None else [*tables, _cold_table(data, cold, blend, chosen, config, rank, say)]


def _shop(data: Dataset, asked: Split, config: FitConfig) -> Shop:
    return Shop(replace(data, log=asked.train), config)


def _ours(data: Dataset, blend: FittedBlend, asked: Sequence[Protocol], config: FitConfig) -> list[Tuned]:
    begun = time.perf_counter()
    signals = make_signals(replace(data, log=asked[0].test.train), blend.settings, config)
    fit_s = time.perf_counter() - begun
    found = []
    for protocol in asked:
        factors = blend.blend(not protocol.mask_seen)
        value = blend.validation["discover ndcg@10" if protocol.mask_seen else "again ndcg@10"]
        shown = {**blend.settings.model_dump(), **{f"w_{k}": v for k, v in factors.model_dump().items()}}
        found.append(Tuned(OURS, shown, blend.tried, value, Blended(signals, factors), fit_s))
    return found


def _rankers(
    data: Dataset,
    blend: FittedBlend,
    asked: Sequence[Protocol],
    ours: Sequence[Tuned],
    config: FitConfig,
    say: Say,
) -> Iterator[Tuned]:
    """The learned order of the same candidates, and whether a shop of these events should use it."""
    before = asked[0].validation.train
    signals = make_signals(replace(data, log=before), blend.settings, config)
    for protocol, own in zip(asked, ours, strict=True):
        begun, factors = time.perf_counter(), blend.blend(not protocol.mask_seen)
        facts = ItemFacts.of(np.bincount(before.items, minlength=before.num_items), data.categories)
        fit = fit_ranker(signals, factors, facts, protocol.validation, protocol.mask_seen, config.seed)
        kept = fit.earns_its_place(config.ranker_gain)
        say(
            f"{protocol.title}: learned ranker on validation {fit.gain.mean:+.4f} "
            f"[{fit.gain.low:+.4f}, {fit.gain.high:+.4f}] beside the blend, {'kept' if kept else 'not kept'}"
        )
        after = protocol.test.train
        facts = ItemFacts.of(np.bincount(after.items, minlength=after.num_items), data.categories)
        served: Any = own.scorer
        scorer = LearnedRanker(served.signals, factors, facts, fit.booster, protocol.mask_seen)
        params = {"trees": TREES, "kept": kept, "validation_gain": fit.gain.mean}
        yield Tuned(RANKER, params, 1, fit.validation, scorer, time.perf_counter() - begun)


def _cold_table(
    data: Dataset,
    cold: Protocol,
    blend: FittedBlend,
    chosen: dict[str, dict[str, Any]],
    config: FitConfig,
    rank: RankSplit,
    say: Say,
) -> TableResult:
    """Methods that can find an item without events, with the settings they were given for new items."""
    maker = TableMaker(data, cold, _ours(data, blend, [cold], config)[0], config, rank, say)
    shop = _shop(data, cold.test, config)
    for baseline in baselines(config):
        if baseline.finds_cold:
            maker.add(fitted(baseline, chosen[baseline.name], shop, 0.0))
    return maker.table()
