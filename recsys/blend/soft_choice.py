"""Whether items without events borrow behaviour: where it finds more of them and costs next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np

from recsys.blend.blended import Blended
from recsys.blend.making import make_signals, with_soft_links
from recsys.blend.settings import Blend, SignalSettings
from recsys.blend.signals import Signals
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.errors import InputError
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import COLD_SHARE, Split, cold_items, cold_question
from recsys.metrics import noise

SHARES = (0.3, 1.0, 2.0)
CONFIDENCES = (0.0, 0.4)
LEAST_USERS = 60
"""Users whose target is such an item, from which a choice is made at all."""


def choose_soft_links(
    data: Dataset, split: Split, asked: Split, signals: Signals, blend: Blend, config: FitConfig,
    say: Callable[[str], None],
) -> SignalSettings:  # fmt: skip
    """The settings of `signals` with the soft links that do best in the mixture on new items.

    New are items whose events are taken away: another tenth of the catalog than an evaluation's, so that
    it stays untouched; `split` asks for them. A gain counts beyond two standard errors of the paired
    difference; the users of `asked`, who want any item, may lose `config.cold_price` of theirs.
    """
    settings = signals.settings
    try:
        hidden = cold_items(data.log.item_ids, COLD_SHARE, COLD_SHARE)
        cold = cold_question(split.unseen_only(), hidden)
    except InputError:
        return settings
    if blend.behaviour <= 0.0 or len(cold.users) < LEAST_USERS:
        return settings
    before = make_signals(replace(data, log=cold.train), settings, config)
    plain, usual = _ndcgs(before, cold, blend), float(_ndcgs(signals, asked, blend).mean())
    best, found = 0.0, settings
    for share, least in product(SHARES, CONFIDENCES):
        tried = settings.model_copy(update={"soft_share": share, "soft_confidence": least})
        gain = _ndcgs(_lending(data, cold, before, tried, config), cold, blend) - plain
        if gain.mean() <= max(best, noise(gain)):
            continue
        kept = float(_ndcgs(_lending(data, asked, signals, tried, config), asked, blend).mean())
        if kept >= usual * (1.0 - config.cold_price):
            best, found = float(gain.mean()), tried
    share, least = found.soft_share, found.soft_confidence
    say(
        f"soft links of new items: share {share:g} from likeness {least:g}, NDCG@10 of such items {best:+.4f}"
    )
    return found


def _lending(
    data: Dataset, split: Split, signals: Signals, settings: SignalSettings, config: FitConfig
) -> Signals:
    matrix = with_soft_links(
        signals.behaviour, split.train, signals.vectors, data.categories, settings, config
    )
    return replace(signals, settings=settings, behaviour=matrix)


def _ndcgs(signals: Signals, split: Split, blend: Blend) -> np.ndarray:
    return rank_split(Blended(signals, blend), split, True, with_auc=False).metrics["ndcg@10"]
