"""How much each signal counts: factors searched on validation, those won by noise dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import optuna

from recsys.blend.pool import CandidatePool
from recsys.blend.settings import SIGNALS, Blend
from recsys.config import FitConfig
from recsys.metrics import noise

MIN_TEXT = 0.05
"""Least factor of text, per deviation: an item that nobody has touched yet is found by it alone."""
ROUNDS = 2
REFINED = 4
"""Mixtures from which small steps are tried: one search stops on one hill."""
STEPS = (0.25, 4.0, 0.6, 0.8, 0.9, 1.1, 1.25, 1.6)
LEAST = {"text": MIN_TEXT, "own": -1.0}
MILDER = {"popularity": 0.3, "own": -1.0}
"""What a signal gets beside a leading one, against the others."""


def fit_weights(pool: CandidatePool, config: FitConfig) -> tuple[Blend, float]:
    """The blend and its NDCG@10: by Optuna, then once more without what does not earn its place."""
    deviations = pool.deviations()
    used = [name == "text" or speaks for name, speaks in zip(SIGNALS, pool.speaks(), strict=True)]
    found = _searched(pool, used, config)
    kept = _earned(pool, found, deviations, config.min_gain)
    found = _searched(pool, [place == 0 or value != 0.0 for place, value in enumerate(kept)], config, kept)
    factors = _scaled(found, deviations)
    return Blend(**dict(zip(SIGNALS, factors, strict=True))), pool.ndcg(factors)


def _searched(
    pool: CandidatePool, used: Sequence[bool], config: FitConfig, known: Sequence[float] = ()
) -> list[float]:
    """The best factors per deviation of the signals in use, from `known` ones or from plain mixtures."""
    deviations = pool.deviations()

    def objective(trial: optuna.Trial) -> float:
        return pool.ndcg(_scaled(_suggested(trial, used), deviations))

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=config.seed))
    study.enqueue_trial({name: value for name, value in zip(SIGNALS, known, strict=False) if value})
    for start in _starts(used):
        study.enqueue_trial(start)
    study.optimize(objective, n_trials=max(config.num_trials // 2, 1))
    starts = sorted(study.trials, key=lambda trial: -(trial.value or 0.0))[:REFINED]
    refined = [
        _refined(pool, [start.params.get(name, 0.0) for name in SIGNALS], deviations) for start in starts
    ]
    return max(refined, key=lambda factors: pool.ndcg(_scaled(factors, deviations)))


def _refined(pool: CandidatePool, raw: Sequence[float], deviations: Sequence[float]) -> list[float]:
    """One factor after the other, a step up or down while it helps: the search alone stops near the best."""
    best, value = list(raw), pool.ndcg(_scaled(raw, deviations))
    for _ in range(ROUNDS):
        for place, step in product(range(len(best)), STEPS):
            tried = [factor * step if other == place else factor for other, factor in enumerate(best)]
            if best[place] and tried != best and (found := pool.ndcg(_scaled(tried, deviations))) > value:
                best, value = tried, found
    largest = max(max(map(abs, best)), 1e-12)
    return [max(factor / largest, LEAST.get(name, 0.0)) for name, factor in zip(SIGNALS, best, strict=True)]


def _suggested(trial: optuna.Trial, used: Sequence[bool]) -> list[float]:
    return [
        trial.suggest_float(name, LEAST.get(name, 0.0), 1.0) if use else 0.0
        for name, use in zip(SIGNALS, used, strict=True)
    ]


def _starts(used: Sequence[bool]) -> Iterator[dict[str, float]]:
    """Each signal alone and a plain mixture around it: whatever leads in this shop is tried first."""
    names = [name for name, use in zip(SIGNALS, used, strict=True) if use]
    for lead in names:
        for rest in (0.0, 0.1, 0.3):
            factors = {name: rest * MILDER.get(name, 1.0) for name in names}
            factors[lead] = -1.0 if lead == "own" else 1.0
            yield factors | {"text": max(factors["text"], MIN_TEXT)}


def _scaled(raw: Sequence[float], deviations: Sequence[float]) -> tuple[float, ...]:
    """Factors per standard deviation, the largest 1, as factors of the signals themselves."""
    largest = max(max(map(abs, raw)), 1e-12)
    return tuple(value / largest / size for value, size in zip(raw, deviations, strict=True))


def _earned(
    pool: CandidatePool, raw: Sequence[float], deviations: Sequence[float], min_gain: float
) -> list[float]:
    """Without the signals whose absence costs next to nothing; text always stays.

    Next to nothing is the `noise` of the difference over users, or `min_gain` of the value: what was
    won by less was won on these users only. The cheapest goes first; losses add up.
    """
    kept, best = list(raw), pool.ndcgs(_scaled(raw, deviations))
    while True:
        dropped: tuple[float, list[float]] | None = None
        for place in range(1, len(kept)):
            without = [0.0 if other == place else factor for other, factor in enumerate(kept)]
            lost = best - pool.ndcgs(_scaled(without, deviations))
            bearable = max(noise(lost), min_gain * best.mean())
            cheap = kept[place] != 0.0 and any(without) and lost.mean() <= bearable
            if cheap and (dropped is None or lost.mean() < dropped[0]):
                dropped = float(lost.mean()), without
        if dropped is None:
            return kept
        kept = dropped[1]
