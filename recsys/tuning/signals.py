"""Settings of all signals searched together, each tried in the mixture that it makes best."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from recsys.blend.blended import Blended
from recsys.blend.fit import QUICK_TRIALS, choosing_sample, fit_blend
from recsys.blend.making import make_signals
from recsys.blend.pool import pool_of
from recsys.blend.settings import FittedBlend
from recsys.blend.weights import fit_weights
from recsys.blend.whitening import KINDS
from recsys.config import FitConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split, validation_and_test
from recsys.tuning.space import Between, OneOf, Space


@dataclass(frozen=True, eq=False)
class SignalsSearch:
    """A shop before its validation period, and what is asked of each trial."""

    data: Dataset
    validation: Split
    test: Split
    """Looked at once, when all trials are over."""
    config: FitConfig
    today: FittedBlend
    """What `recsys fit` chooses by itself, signal by signal; the first trial."""

    @classmethod
    def of(cls, data: Dataset, config: FitConfig, say: Any) -> SignalsSearch:
        """With the settings of today, chosen on the same validation events."""
        validation, test = validation_and_test(data.log, config.split, config.holdout_days)
        return cls(data, validation, test, config, fit_blend(validation, data, config, say))

    @property
    def space(self) -> Space:
        """Settings that a search may move; ages count only where times are real.

        `cold_lift` is not among them: it is a price paid for new items, which this question does not ask.
        """
        found: Space = {
            "whitening": OneOf(KINDS),
            "text_decay": Between(0.2, 1.0),
            "order_share": Between(0.0, 0.9),
            "ridge": Between(1.0, 60.0, log=True),
            "pull": Between(0.0, 0.95),
            "behaviour_decay": Between(0.5, 1.0),
            "transition_window": OneOf((1, 2, 3, 5)),
            "transition_power": Between(0.0, 0.6),
            "transition_decay": Between(0.2, 0.95),
            "popularity_half_life_days": OneOf((7.0, 30.0, 365.0)),
        }
        if self.config.split == "temporal":
            found["evidence_half_life_days"] = OneOf((None, 30.0, 60.0, 120.0))
            found["behaviour_half_life_days"] = OneOf((None, 30.0, 90.0))
        return found

    def value(self, params: dict[str, Any]) -> float:
        """Validation NDCG@10 of these settings in the best mixture that a short search finds."""
        settings = self.today.settings.model_copy(update=params)
        quick = self.config.model_copy(
            update={
                "num_trials": min(QUICK_TRIALS, self.config.num_trials),
                "max_direct_items": self.config.max_choosing_items,
            }
        )
        asked = choosing_sample(self.validation, quick)
        unseen = asked.unseen_only()
        question, mask_seen = (unseen, True) if len(unseen.users) else (asked, False)
        signals = make_signals(replace(self.data, log=question.train), settings, quick)
        return fit_weights(pool_of(signals, question, mask_seen), quick)[1]

    def blend_of(self, params: dict[str, Any]) -> FittedBlend:
        """Settings with weights of a whole search, as `recsys fit --settings` makes them."""
        settings = self.today.settings.model_copy(update=params)
        return fit_blend(self.validation, self.data, self.config, lambda text: None, settings)

    def answers(self, blend: FittedBlend) -> dict[str, np.ndarray]:
        """`[B] float64` NDCG@10 of each user by question, for paired comparison."""
        found: dict[str, np.ndarray] = {}
        for name, split in (("validation", self.validation), ("test", self.test)):
            signals = make_signals(replace(self.data, log=split.train), blend.settings, self.config)
            for asked, mask_seen in ((split.unseen_only(), True), (split, False)):
                if len(asked.users):
                    scorer = Blended(signals, blend.blend(not mask_seen))
                    ranked = rank_split(scorer, asked, mask_seen, with_auc=False)
                    words = "new items" if mask_seen else "repeats allowed"
                    found[f"{name}, {words}"] = ranked.metrics["ndcg@10"]
        return found
