"""Settings and weights of the signals, chosen on held-out events of the shop itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import optuna
import scipy.sparse as sp

from recsys.blend.histories import Histories
from recsys.blend.pool import CandidatePool, pool_of
from recsys.blend.settings import SIGNALS, Blend, FittedBlend, SignalSettings
from recsys.blend.signals import Signals, modelled_items, repeat_chances, standard_popularity
from recsys.blend.whitening import KINDS, Whitening
from recsys.config import FitConfig
from recsys.errors import InputError
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split
from recsys.interaction_log import HALF_LIVES_DAYS as HISTORY_HALF_LIVES_DAYS
from recsys.interaction_log import InteractionLog
from recsys.item_item import (
    Evidence,
    Regression,
    TextRegression,
    cooccurrence,
    cosine_neighbours,
    prune,
    transitions,
)
from recsys.item_item.regression import mean_users

TEXT_DECAYS = (0.3, 0.5, 0.7, 0.9)
DECAYS = (0.5, 0.7, 0.85, 0.95, 1.0)
SHRINKAGES = (5.0, 20.0)
RIDGE = 8.0
RIDGES = (2.5, 25.0)
"""Multiples of the mean number of users of an item; the first is tried with every share of order."""
ORDER_SHARES = (0.5, 0.0, 0.8)
PULLS = (0.9, 0.5, 0.0)
MIN_TEXT = 0.05
"""Least factor of text, per deviation: an item that nobody has touched yet is found by it alone."""
HALF_LIVES_DAYS = (7.0, 30.0, 365.0)
MAX_SCORES = 1.6e8
Say = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class Material:
    """What signals are made from."""

    log: InteractionLog
    vectors: np.ndarray
    """`[N, D] float32` unit text vectors as the encoder gave them."""
    categories: Sequence[str | None]


@dataclass(frozen=True, eq=False)
class _Alone:
    """One signal as a scorer of its own."""

    score: Callable[[Histories], np.ndarray]

    def scores(self, histories: Histories) -> np.ndarray:
        return np.array(self.score(histories))


def make_signals(material: Material, settings: SignalSettings, config: FitConfig) -> Signals:
    """All signals of a log with given settings."""
    vectors = Whitening.fit(material.vectors, settings.whitening).apply(material.vectors)
    return Signals(
        settings,
        vectors,
        _behaviour(material.log, vectors, settings, config),
        _transition(material.log, settings, config),
        repeat_chances(material.log, material.categories),
        standard_popularity(material.log, settings.popularity_half_life_days),
    )


def fit_blend(
    split: Split, vectors: np.ndarray, categories: Sequence[str | None], config: FitConfig, say: Say
) -> FittedBlend:
    """Settings and weights that do best on a validation split: signal by signal, then the weights.

    Each signal's settings are chosen by what it does alone (NDCG@10, seen items hidden); the weights
    by Optuna over the pooled candidates of all signals. Deterministic by seed.
    """
    material = Material(split.train, vectors, categories)
    asked = split.sample(
        int(min(config.max_users, max(MAX_SCORES / split.train.num_items, 100))), config.seed
    )
    unseen = asked.unseen_only()
    # Where everybody only comes back for what they know, nothing can be learned about new items.
    questions = {"discover": unseen if len(unseen.users) else asked, "again": asked}
    signals = _choose(material, questions["discover"], config, say)
    again = _choose_repeat(signals, questions["again"])
    found: dict[str, Blend] = {}
    figures: dict[str, float] = {}
    for name, question in questions.items():
        pool = pool_of(again, question, mask_seen=name == "discover")
        found[name], figures[f"{name} ndcg@10"] = _weights(pool, config)
        say(f"{name}: {found[name].factors()} validation NDCG@10 {figures[f'{name} ndcg@10']:.4f}")
    return FittedBlend(
        settings=again.settings, discover=found["discover"], again=found["again"], validation=figures
    )


def _choose(material: Material, question: Split, config: FitConfig, say: Say) -> Signals:
    log = material.log
    empty = sp.csr_matrix((log.num_items, log.num_items), dtype=np.float32)
    signals = Signals(
        SignalSettings(),
        material.vectors,
        empty,
        empty,
        repeat_chances(log, material.categories),
        standard_popularity(log, 30.0),
    )
    for choose in (_texts, _orders, _ridges, _cosines, _transitions, _popularities):
        value, signals = _best(choose(material, signals, config), question)
        say(f"{choose.__name__.strip('_')}: NDCG@10 alone {value:.4f}")
    return signals


def _best(candidates: Iterable[tuple[Signals, str]], question: Split) -> tuple[float, Signals]:
    """The candidate that does best alone, the earlier of equals; the others are let go as they come."""
    best: tuple[float, Signals] | None = None
    for signals, kind in candidates:
        value = _alone(signals, kind, question)
        if best is None or value > best[0]:
            best = value, signals
    if best is None:
        raise InputError("a signal has no settings to choose from")
    return best


def _alone(signals: Signals, kind: str, question: Split) -> float:
    scorers = {
        "text": signals.text_scores,
        "behaviour": signals.behaviour_scores,
        "transition": signals.transition_scores,
        "popularity": lambda histories: np.tile(signals.popularity, (len(histories), 1)),
        "repeat": signals.repeat_scores,
    }
    ranked = rank_split(_Alone(scorers[kind]), question, mask_seen=kind != "repeat", with_auc=False)
    return float(ranked.metrics["ndcg@10"].mean())


def _with(signals: Signals, **settings: object) -> SignalSettings:
    return signals.settings.model_copy(update=settings)


def _texts(material: Material, signals: Signals, config: FitConfig) -> Iterator[tuple[Signals, str]]:
    for kind in KINDS:
        turned = Whitening.fit(material.vectors, kind).apply(material.vectors)
        for decay in TEXT_DECAYS:
            settings = _with(signals, whitening=kind, text_decay=decay)
            yield replace(signals, settings=settings, vectors=turned), "text"


def _orders(material: Material, signals: Signals, config: FitConfig) -> Iterator[tuple[Signals, str]]:
    for share in ORDER_SHARES:
        yield from _regressions(material, signals, config, share, RIDGE)


def _ridges(material: Material, signals: Signals, config: FitConfig) -> Iterator[tuple[Signals, str]]:
    yield signals, "behaviour"
    for multiple in RIDGES:
        yield from _regressions(material, signals, config, signals.settings.order_share, multiple)


def _regressions(
    material: Material, signals: Signals, config: FitConfig, order_share: float, multiple: float
) -> Iterator[tuple[Signals, str]]:
    log = material.log
    warm = modelled_items(log, config.max_direct_items)
    evidence = Evidence.of(log, warm, order_share)
    ridge = round(multiple * mean_users(evidence.gram), 1)
    regression, texts = Regression.solve(evidence, ridge), TextRegression.solve(signals.vectors[warm])
    for pull in PULLS:
        matrix = spread(regression.neighbours(config.num_neighbours, texts, pull), warm, log.num_items)
        for decay in DECAYS:
            settings = _with(
                signals, model="regression", order_share=order_share, regularisation=ridge, pull=pull,
                behaviour_decay=decay,
            )  # fmt: skip
            yield replace(signals, settings=settings, behaviour=matrix), "behaviour"


def _cosines(material: Material, signals: Signals, config: FitConfig) -> Iterator[tuple[Signals, str]]:
    yield signals, "behaviour"
    log = material.log
    counts = cooccurrence(log)
    for shrinkage in SHRINKAGES:
        matrix = prune(cosine_neighbours(counts, shrinkage), config.num_neighbours)
        for decay in DECAYS[1:]:
            settings = _with(
                signals, model="cosine", regularisation=shrinkage, pull=0.0, behaviour_decay=decay
            )
            yield replace(signals, settings=settings, behaviour=matrix), "behaviour"


def _transitions(material: Material, signals: Signals, config: FitConfig) -> Iterator[tuple[Signals, str]]:
    for window, power in ((1, 0.0), (3, 0.0), (3, 0.3)):
        made = _with(signals, transition_window=window, transition_power=power)
        matrix = _transition(material.log, made, config)
        for decay in (0.3, 0.6, 0.85):
            settings = made.model_copy(update={"transition_decay": decay})
            yield replace(signals, settings=settings, transition=matrix), "transition"


def _popularities(material: Material, signals: Signals, config: FitConfig) -> Iterator[tuple[Signals, str]]:
    for days in HALF_LIVES_DAYS:
        settings = _with(signals, popularity_half_life_days=days)
        popularity = standard_popularity(material.log, days)
        yield replace(signals, settings=settings, popularity=popularity), "popularity"


def _choose_repeat(signals: Signals, question: Split) -> Signals:
    tried = [
        replace(signals, settings=_with(signals, repeat_half_life_days=days, repeat_power=power))
        for days in HISTORY_HALF_LIVES_DAYS
        for power in (0.0, 0.5, 1.0)
    ]
    values = [_alone(one, "repeat", question) for one in tried]
    return tried[int(np.argmax(values))]


def _behaviour(
    log: InteractionLog, vectors: np.ndarray, settings: SignalSettings, config: FitConfig
) -> sp.csr_matrix:
    if settings.model == "cosine":
        return prune(cosine_neighbours(cooccurrence(log), settings.regularisation), config.num_neighbours)
    warm = modelled_items(log, config.max_direct_items)
    regression = Regression.solve(Evidence.of(log, warm, settings.order_share), settings.regularisation)
    texts = TextRegression.solve(vectors[warm])
    return spread(regression.neighbours(config.num_neighbours, texts, settings.pull), warm, log.num_items)


def spread(matrix: sp.csr_matrix, places: np.ndarray, num_items: int) -> sp.csr_matrix:
    """A matrix over some items as one over all, `[num_items, num_items]`."""
    pairs = matrix.tocoo()
    data = (pairs.data, (places[pairs.row], places[pairs.col]))
    return sp.csr_matrix(data, shape=(num_items, num_items))


def _transition(log: InteractionLog, settings: SignalSettings, config: FitConfig) -> sp.csr_matrix:
    steps = transitions(log, settings.transition_window, 0.5, settings.transition_power)
    return prune(_unit_deviation(steps), config.num_neighbours)


def _unit_deviation(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """Scaled so that the root mean square of its entries is 1: factors stay comparable across shops."""
    size = float(np.sqrt(np.square(matrix.data).mean())) if matrix.nnz else 1.0
    return (matrix / (size or 1.0)).tocsr()


def _weights(pool: CandidatePool, config: FitConfig) -> tuple[Blend, float]:
    """Factors by Optuna, then once more without the optional signals that do not earn their place."""
    deviations = pool.deviations()
    found = _searched(pool, [True, True, True, pool.has_repeats, True], config)
    kept = _earned(pool, found, deviations, config.min_gain)
    found = _searched(pool, [place == 0 or value > 0.0 for place, value in enumerate(kept)], config, kept)
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
    study.enqueue_trial({name: value for name, value in zip(SIGNALS, known, strict=False) if value > 0.0})
    for start in _starts(used):
        study.enqueue_trial(start)
    study.optimize(objective, n_trials=config.num_trials // 2)
    return [study.best_params.get(name, 0.0) for name in SIGNALS]


def _suggested(trial: optuna.Trial, used: Sequence[bool]) -> list[float]:
    return [
        trial.suggest_float(name, MIN_TEXT if name == "text" else 0.0, 1.0) if use else 0.0
        for name, use in zip(SIGNALS, used, strict=True)
    ]


def _starts(used: Sequence[bool]) -> Iterator[dict[str, float]]:
    """Each signal alone and a plain mixture around it: whatever leads in this shop is tried first."""
    names = [name for name, use in zip(SIGNALS, used, strict=True) if use]
    for lead in names:
        for rest in (0.0, 0.1, 0.3):
            factors = {name: rest * (0.3 if name == "popularity" else 1.0) for name in names}
            yield factors | {"text": max(factors["text"], MIN_TEXT)} | {lead: 1.0}


def _scaled(raw: Sequence[float], deviations: Sequence[float]) -> tuple[float, ...]:
    """Factors per standard deviation, the largest 1, as factors of the signals themselves."""
    largest = max(max(raw), 1e-12)
    return tuple(value / largest / size for value, size in zip(raw, deviations, strict=True))


def _earned(
    pool: CandidatePool, raw: Sequence[float], deviations: Sequence[float], min_gain: float
) -> list[float]:
    """Without the signals whose absence costs next to nothing; text always stays.

    Next to nothing is a standard error of the difference over users, or `min_gain` of the value: what
    was won by less was won on these users only. The cheapest goes first; losses add up.
    """
    kept, best = list(raw), pool.ndcgs(_scaled(raw, deviations))
    while True:
        dropped: tuple[float, list[float]] | None = None
        for place in range(1, len(kept)):
            without = [0.0 if other == place else factor for other, factor in enumerate(kept)]
            lost = best - pool.ndcgs(_scaled(without, deviations))
            bearable = max(lost.std() / max(len(lost), 1) ** 0.5, min_gain * best.mean())
            cheap = kept[place] > 0.0 and any(without) and lost.mean() <= bearable
            if cheap and (dropped is None or lost.mean() < dropped[0]):
                dropped = float(lost.mean()), without
        if dropped is None:
            return kept
        kept = dropped[1]
