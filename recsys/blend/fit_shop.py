"""One fit of a whole shop: choose on held-out events, then learn from all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np

from recsys.blend.blended import Blended
from recsys.blend.fit import Say, fit_blend
from recsys.blend.fitted import Fitted
from recsys.blend.links import ModelLinks
from recsys.blend.making import make_signals
from recsys.blend.settings import Blend, FittedBlend, SignalSettings
from recsys.blend.signals import Signals
from recsys.blend.whitening import Whitening
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.errors import InputError
from recsys.evaluation.ranking import Ranked, rank_split
from recsys.evaluation.splits import Split, leave_one_out, newest_question
from recsys.metrics import catalogue_coverage, noise

PLAIN = FittedBlend(settings=SignalSettings(whitening="raw", text_decay=0.9), discover=Blend(), again=Blend())
"""What a version without a fit comes to: text alone."""
LEAST_JUDGES = 60
"""Held-out users from which some are kept out of the choosing."""


@dataclass(frozen=True, eq=False)
class Parent:
    """What the published version was fitted with."""

    blend: FittedBlend
    vectors: np.ndarray | None = None
    """`[N, D] float32` by its own encoder; None where it is the same encoder."""

    def under(self, config: FitConfig) -> Parent:
        """Learned under the new fit's `min_users`: no version shall look better for not keeping a rule."""
        settings = self.blend.settings.model_copy(update={"min_users": config.min_users})
        return replace(self, blend=self.blend.model_copy(update={"settings": settings}))


def fit_shop(
    data: Dataset,
    config: FitConfig,
    parent: Parent | None,
    say: Say,
    settings: SignalSettings | None = None,
) -> Fitted:
    """Settings and weights from the newest held-out period, then everything learned from all events.

    A third of the held-out users has no say in the settings: on them the new fit and `parent`, what
    the published version was fitted with, are measured for the gate. With `settings` only the weights
    are chosen. Raises `InputError` when there are too few events to hold any out.
    """
    chosen_on, judged_on = _parted(held_out(data, config, say), config)
    blend = fit_blend(chosen_on, data, config, say, settings)
    held = replace(data, log=judged_on.train)
    new = _lists(make_signals(held, blend.settings, config), blend, judged_on)
    compared = (parent or Parent(PLAIN)).under(config)
    before = held if compared.vectors is None else replace(held, vectors=compared.vectors)
    old = _lists(make_signals(before, compared.blend.settings, config), compared.blend, judged_on)
    metrics = _figures(new, old, data.log.num_items)
    say("learning from all events")
    signals = make_signals(data, blend.settings, config)
    return Fitted(
        blend,
        ModelLinks.of(data.log.item_ids, signals),
        Whitening.fit(data.vectors, blend.settings.whitening),
        datetime.fromtimestamp(int(data.log.occurred_at_us.max()) / 1e6, UTC),
        metrics,
        data.last_erasure,
        data.events_seq,
    )


def held_out(data: Dataset, config: FitConfig, say: Say) -> Split:
    """The last period; each user's last event where no period can be held out."""
    try:
        return newest_question(data.log, config.split, config.holdout_days)
    except InputError as error:
        say(f"{error}; each user's last event is held out instead")
        return leave_one_out(data.log)


def _parted(question: Split, config: FitConfig) -> tuple[Split, Split]:
    """Two thirds of the users to choose on, one to judge on; all for both where they are few."""
    if len(question.users) < LEAST_JUDGES:
        return question, question
    judging = np.random.default_rng(config.seed).permutation(len(question.users)) % 3 == 0
    judges = question.part(np.flatnonzero(judging))
    return question.part(np.flatnonzero(~judging)), judges.sample(config.max_users, config.seed)


def _lists(signals: Signals, fitted: FittedBlend, asked: Split) -> dict[str, Ranked]:
    """What each blend lists; a blend that nobody has a question for is left out."""
    found: dict[str, Ranked] = {}
    for name, repeats in (("discover", False), ("again", True)):
        question = asked if repeats else asked.unseen_only()
        if len(question.users):
            scorer = Blended(signals, fitted.blend(repeats))
            found[name] = rank_split(scorer, question, not repeats, with_auc=False)
    return found


def _figures(new: dict[str, Ranked], old: dict[str, Ranked], num_items: int) -> dict[str, float]:
    """What the gate judges by: both, and the noise of their difference over the same users."""
    found: dict[str, float] = {}
    for name, lists in new.items():
        ours, theirs = (ranked.metrics["ndcg@10"] for ranked in (lists, old[name]))
        found[f"{name} ndcg@10"] = float(ours.mean())
        found[f"parent {name} ndcg@10"] = float(theirs.mean())
        found[f"{name} noise"] = noise(ours - theirs)
    if "discover" in new:
        found["coverage@10"] = catalogue_coverage(new["discover"].lists[:, :10], num_items)
    return found
