"""Settings and weights of the signals, chosen on held-out events of the shop itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import scipy.sparse as sp

from recsys.blend.channel_shares import choose_channels, told
from recsys.blend.choices import CHOICES, REPEAT, REPEAT_POWERS, choose_cold_lift, repeat_powers
from recsys.blend.making import make_signals
from recsys.blend.pool import pool_of
from recsys.blend.settings import Blend, FittedBlend, SignalSettings
from recsys.blend.signals import Signals, repeat_chances, standard_popularity
from recsys.blend.soft_choice import choose_soft_links
from recsys.blend.weights import fit_weights
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.splits import Split
from recsys.robustness.caps import capped

MAX_SCORES = 1.2e8
"""Users times items that are scored for one candidate of a setting."""
QUICK_TRIALS = 20
"""Mixtures tried for each candidate of a setting that is judged in the mixture."""
Say = Callable[[str], None]


def fit_blend(
    split: Split, data: Dataset, config: FitConfig, say: Say, settings: SignalSettings | None = None
) -> FittedBlend:
    """Settings and weights that do best on a validation split: signal by signal, then the weights.

    Each signal's settings are chosen by what it does alone (NDCG@10, seen items hidden), unless
    `settings` are given; the weights by Optuna over the pooled candidates of all signals. Deterministic
    by seed.
    """
    known = replace(data, log=capped(split.train, config.caps))
    asked = choosing_sample(split, config)
    unseen = asked.unseen_only()
    # Where everybody only comes back for what they know, nothing can be learned about new items.
    questions = {"discover": unseen if len(unseen.users) else asked, "again": asked}
    if settings is None:
        signals, tried = _chosen(known, questions, config, say)
    else:
        given = settings.model_copy(update={"min_users": config.min_users})
        signals, tried = make_signals(known, given, config), 0
        say("the settings that were given")
    found: dict[str, Blend] = {}
    figures: dict[str, float] = {}
    for name, question in questions.items():
        pool = pool_of(signals, question, mask_seen=name == "discover" and len(unseen.users) > 0)
        found[name], figures[f"{name} ndcg@10"] = fit_weights(pool, config)
        factors = ", ".join(f"{signal} {value:.3g}" for signal, value in found[name].model_dump().items())
        say(f"{name}: {factors}; NDCG@10 {figures[f'{name} ndcg@10']:.4f}")
    made = signals.settings
    if settings is None:
        made = choose_soft_links(known, split, questions["discover"], signals, found["discover"], config, say)
    return FittedBlend(
        settings=made,
        discover=found["discover"],
        again=found["again"],
        validation=figures,
        tried=tried + config.num_trials,
    )


def _chosen(
    known: Dataset, questions: Mapping[str, Split], config: FitConfig, say: Say
) -> tuple[Signals, int]:
    """Signals with settings chosen one after the other, and how many were tried."""
    signals, tried = _blank(known, config), 0
    discover, again = questions["discover"], questions["again"]
    for choice in CHOICES:
        chosen = choice.best(known, signals, config, discover)
        signals, tried = chosen.signals, tried + chosen.tried
        say(f"{choice.name}: NDCG@10 alone {chosen.value:.4f}")
        if choice.name == "text" and known.channels:
            signals = choose_channels(known, signals, discover)
            say(f"channels: {told(signals.settings.channels)}")
    if min(config.max_direct_items, known.log.num_items) > config.max_choosing_items:
        say("the model of all items")
        signals = make_signals(known, signals.settings, config)
    signals = choose_cold_lift(known, signals, config, discover)
    say(f"cold items: lift {signals.settings.cold_lift:g}")
    chosen = REPEAT.best(known, signals, config, again)
    signals, tried = chosen.signals, tried + chosen.tried
    if len(discover.users) < len(again.users):
        signals = _repeats_in_the_mixture(signals, again, config)
        tried += QUICK_TRIALS * len(REPEAT_POWERS)
    return signals, tried


def _repeats_in_the_mixture(signals: Signals, question: Split, config: FitConfig) -> Signals:
    """The signals with the repeat power whose quickly found mixture does best."""
    quick = config.model_copy(update={"num_trials": min(QUICK_TRIALS, config.num_trials)})

    def value(candidate: Signals) -> float:
        return fit_weights(pool_of(candidate, question, mask_seen=False), quick)[1]

    return max(repeat_powers(signals), key=value)


def choosing_sample(split: Split, config: FitConfig) -> Split:
    """The users that settings are chosen on: fewer in larger catalogs."""
    limit = max(MAX_SCORES / max(split.train.num_items, 1), 100)
    return split.sample(int(min(config.max_users, limit)), config.seed)


def _blank(data: Dataset, config: FitConfig) -> Signals:
    """Signals before anything is chosen."""
    size = data.log.num_items
    empty = sp.csr_matrix((size, size), dtype="float32")
    return Signals(
        SignalSettings(min_users=config.min_users),
        data.vectors,
        empty,
        empty,
        repeat_chances(data.log, data.categories),
        standard_popularity(data.log, 30.0),
    )
