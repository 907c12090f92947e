"""How the encoder is trained, searched: one training a trial, stopped early where others are ahead."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from recsys.baselines.scorers import Vectors
from recsys.blend.whitening import Whitening
from recsys.config import RATES, EncoderConfig, Objective, TrainConfig, TrainMode
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split
from recsys.training.data import TrainingData, Workers
from recsys.training.loop import train
from recsys.training.tower import Tower
from recsys.tuning.space import Between, OneOf, Space

CONTRASTS = (Objective.CONTRASTIVE, Objective.DROPOUT_VIEWS, Objective.TITLE_DESCRIPTION)


@dataclass(frozen=True, eq=False)
class EncoderSearch:
    """A shop's texts and pairs, and the training that is varied."""

    encoder: EncoderConfig
    config: TrainConfig
    """Of today; the first trial."""
    texts: Sequence[str]
    vectors: np.ndarray
    """`[N, D]` of the texts by the encoder as it is; a head learns from them."""
    data: TrainingData
    test: Split
    """Looked at once, when all trials are over."""
    folder: Path
    """Checkpoints of the trials, a folder each."""

    @property
    def space(self) -> Space:
        """Step size always; temperature, rank and hard negatives where mode and objective have them."""
        usual = RATES[self.config.mode]
        found: Space = {"learning_rate": Between(usual / 10.0, usual * 10.0, log=True)}
        if self.config.objective in CONTRASTS:
            found["temperature"] = Between(0.02, 0.2, log=True)
        if self.config.mode in (TrainMode.LORA, TrainMode.ADALORA, TrainMode.PROMPT):
            found["rank"] = OneOf((4, 8, 16, 32))
        if not self.config.objective.from_texts:
            found["hard_negatives"] = OneOf((0, 1, 2, 4))
        return found

    @property
    def today(self) -> dict[str, Any]:
        """The space's dimensions as `recsys train` has them."""
        return {**self.config.model_dump(), "learning_rate": self.config.rate}

    def run(
        self, params: dict[str, Any], report: Callable[[dict[str, float]], None], device: str = "cpu"
    ) -> tuple[Tower, list[dict[str, float]]]:
        """Train to the end, from this trial's newest checkpoint; the tower is that of the best epoch.

        `report` gets the figures of each epoch; by raising an exception it ends the trial.
        """
        config = TrainConfig.model_validate({**self.config.model_dump(), **params})
        steps = self.data.num_steps(config)
        tower = Tower(self.encoder, config, self.texts, self.vectors, steps).to(torch.device(device))

        def told(figures: dict[str, float]) -> None:
            if "epoch" in figures:
                report(figures)

        progress = train(tower, self.data, config, self.folder / trial_name(params), Workers(), told)
        return tower, progress.curve

    def answers(self, vectors: np.ndarray) -> dict[str, np.ndarray]:
        """`[B] float64` NDCG@10 of the text signal alone for each user by question."""
        turned = Whitening.fit(vectors, "whitened").apply(vectors)
        found: dict[str, np.ndarray] = {}
        for name, split in (("validation", self.data.question), ("test", self.test)):
            asked = split.unseen_only()
            if len(asked.users):
                ranked = rank_split(Vectors(turned, 0.5), asked, True, with_auc=False)
                found[f"{name}, new items"] = ranked.metrics["ndcg@10"]
        return found


def trial_name(params: dict[str, Any]) -> str:
    """The folder of a trial: the same settings go on where they stopped."""
    return hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()[:12]
