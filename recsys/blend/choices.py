"""What is tried for each signal; each keeps what does best alone on validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsys.blend.histories import Histories
from recsys.blend.making import lifted, spread, transition_matrix
from recsys.blend.signals import Signals, modelled_items, standard_popularity
from recsys.blend.whitening import KINDS, Whitening
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.errors import InputError
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split
from recsys.interaction_log import HALF_LIVES_DAYS
from recsys.item_item import Evidence, Regression, TextRegression, cosine_neighbours, prune
from recsys.item_item.regression import mean_users

TEXT_DECAYS = (0.3, 0.5, 0.7, 0.9)
DECAYS = (0.5, 0.7, 0.85, 0.95, 1.0)
SHRINKAGES = (5.0, 20.0)
RIDGE = 8.0
RIDGES = (2.5, 25.0)
"""`RIDGE` is tried with every share of order, these with the best."""
FIRST_DECAYS = (0.8, 1.0)
"""Tried with every share of order; the others once the model is chosen."""
ORDER_SHARES = (0.5, 0.0, 0.8)
PULLS = (0.9, 0.5, 0.0)
EVIDENCE_DAYS = (60.0, 30.0)
BEHAVIOUR_DAYS = (30.0, 90.0)
COLD_LIFTS = (4.0, 2.0, 1.0, 0.5)
REPEAT_POWERS = (0.0, 0.5, 1.0, 1.5)
POPULARITY_DAYS = (7.0, 30.0, 365.0)

Candidates = Iterator[Signals]


@dataclass(frozen=True, eq=False)
class Chosen:
    """What one decision came to."""

    value: float
    """Validation NDCG@10 of the signal alone."""
    signals: Signals
    tried: int


@dataclass(frozen=True)
class Choice:
    """One decision: the settings that are tried, given those decided before, and how they are judged."""

    name: str
    candidates: Callable[[Dataset, Signals, FitConfig], Candidates]
    score: Callable[[Signals, Histories], np.ndarray]
    mask_seen: bool = True

    def best(self, data: Dataset, signals: Signals, config: FitConfig, question: Split) -> Chosen:
        """The best candidate, the earlier of equals.

        Candidates are made one at a time and let go, since each may be large.
        """
        best: tuple[float, Signals] | None = None
        tried = 0
        for candidate in self.candidates(data, signals, config):
            value, tried = _alone(self.score, candidate, question, self.mask_seen), tried + 1
            if best is None or value > best[0]:
                best = value, candidate
        if best is None:
            raise InputError("a signal has no settings to choose from", where=self.name)
        return Chosen(*best, tried)


@dataclass(frozen=True, eq=False)
class _Alone:
    """One signal as a scorer of its own."""

    score: Callable[[Signals, Histories], np.ndarray]
    signals: Signals

    def scores(self, histories: Histories) -> np.ndarray:
        return np.array(self.score(self.signals, histories))


def _alone(
    score: Callable[[Signals, Histories], np.ndarray], signals: Signals, question: Split, mask_seen: bool
) -> float:
    """Validation NDCG@10 of one signal."""
    ranked = rank_split(_Alone(score, signals), question, mask_seen, with_auc=False)
    return float(ranked.metrics["ndcg@10"].mean())


def choose_cold_lift(data: Dataset, signals: Signals, config: FitConfig, question: Split) -> Signals:
    """The largest lift of items without events that costs at most `cold_price` of the behaviour signal."""
    least = _alone(Signals.behaviour_scores, signals, question, True) * (1.0 - config.cold_price)
    for lift in COLD_LIFTS:
        matrix = lifted(signals.behaviour, data.log, lift)
        candidate = replace(_set(signals, cold_lift=lift), behaviour=matrix)
        if _alone(Signals.behaviour_scores, candidate, question, True) >= least:
            return candidate
    return signals


def repeat_powers(signals: Signals) -> Candidates:
    """How much the chance of coming back counts; to be judged in the mixture.

    Alone the signal only orders what a user has. Beside others it says what is wanted again at all.
    """
    for power in REPEAT_POWERS:
        yield _set(signals, repeat_power=power)


def _set(signals: Signals, **settings: object) -> Signals:
    return replace(signals, settings=signals.settings.model_copy(update=settings))


def _texts(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    for kind in KINDS:
        turned = Whitening.fit(data.vectors, kind).apply(data.vectors)
        for decay in TEXT_DECAYS:
            yield replace(_set(signals, whitening=kind, text_decay=decay), vectors=turned)


def _orders(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    for share in ORDER_SHARES:
        for candidate in _regressions(data, _set(signals, order_share=share, ridge=RIDGE), config, PULLS):
            for decay in FIRST_DECAYS:
                yield _set(candidate, behaviour_decay=decay)


def _ages(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    yield signals
    for days in EVIDENCE_DAYS if config.split == "temporal" else ():
        made = _set(signals, evidence_half_life_days=days)
        yield from _regressions(data, made, config, (signals.settings.pull,))


def _ridges(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    yield signals
    for ridge in RIDGES:
        yield from _regressions(data, _set(signals, ridge=ridge), config, PULLS)


def _regressions(data: Dataset, made: Signals, config: FitConfig, pulls: Sequence[float]) -> Candidates:
    warm, settings = modelled_items(data.log, config.max_choosing_items), made.settings
    share, days = settings.order_share, settings.evidence_half_life_days
    evidence = Evidence.of(data.log, warm, share, days, settings.min_users)
    regression = Regression.solve(evidence, settings.ridge * mean_users(evidence.gram))
    texts = TextRegression.solve(made.vectors[warm])
    for pull in pulls:
        matrix = spread(regression.neighbours(config.num_neighbours, texts, pull), warm, data.log.num_items)
        yield replace(_set(made, model="regression", pull=pull), behaviour=matrix)


def _cosines(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    yield signals
    warm = modelled_items(data.log, config.max_choosing_items)
    counts = Evidence.of(data.log, warm, 0.0, min_users=signals.settings.min_users).gram
    for shrinkage in SHRINKAGES:
        kept = prune(cosine_neighbours(counts, shrinkage), config.num_neighbours)
        matrix = spread(kept, warm, data.log.num_items)
        yield replace(_set(signals, model="cosine", shrinkage=shrinkage), behaviour=matrix)


def _decays(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    yield signals
    for days in (None, *BEHAVIOUR_DAYS) if config.split == "temporal" else (None,):
        for decay in DECAYS:
            yield _set(signals, behaviour_decay=decay, behaviour_half_life_days=days)


def _transitions(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    for window, power in ((1, 0.0), (3, 0.0), (3, 0.3)):
        made = _set(signals, transition_window=window, transition_power=power)
        made = replace(made, transition=transition_matrix(data.log, made.settings, config))
        for decay in (0.3, 0.6, 0.85):
            yield _set(made, transition_decay=decay)


def _popularities(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    for days in POPULARITY_DAYS:
        made = _set(signals, popularity_half_life_days=days)
        yield replace(made, popularity=standard_popularity(data.log, days))


def _repeats(data: Dataset, signals: Signals, config: FitConfig) -> Candidates:
    for days in HALF_LIVES_DAYS:
        yield _set(signals, repeat_half_life_days=days, repeat_power=0.5)


def _popularity_scores(signals: Signals, histories: Histories) -> np.ndarray:
    return np.tile(signals.popularity, (len(histories), 1))


CHOICES = (
    Choice("text", _texts, Signals.text_scores),
    Choice("behaviour: what came next", _orders, Signals.behaviour_scores),
    Choice("behaviour: age of evidence", _ages, Signals.behaviour_scores),
    Choice("behaviour: ridge", _ridges, Signals.behaviour_scores),
    Choice("behaviour: cosine instead", _cosines, Signals.behaviour_scores),
    Choice("behaviour: decay", _decays, Signals.behaviour_scores),
    Choice("transition", _transitions, Signals.transition_scores),
    Choice("popularity", _popularities, _popularity_scores),
)
"""In this order: the pull of behaviour goes towards the texts as they were chosen."""
REPEAT = Choice("repeat", _repeats, Signals.repeat_scores, mask_seen=False)
