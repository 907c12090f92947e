"""What does DP-SGD by user cost the head of an encoder?

Judged as `recsys train` judges: AUC of held-out pairs against random ones, and NDCG@10 of the text signal
alone, whole catalogue, seen items hidden, after whitening, which takes most of a head back. Text vectors are
hashed words, so that it runs in minutes without an encoder. A row without epsilon has the same loss, users,
steps and clipping, and no noise.

    python -m tests.benchmarks.private_training --data ../shared/data/office --split leave-one-out
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from recsys.config import EncoderConfig, TrainConfig
from recsys.dataset import Dataset
from recsys.evaluation.splits import newest_question
from recsys.item_item import cooccurrence
from recsys.training.data import TrainingData
from recsys.training.pairs import next_item_pairs
from recsys.training.private import PrivacyPlan, train_private
from recsys.training.tower import Tower
from tests.benchmarks.noise_and_seeds import read
from tests.tiny_encoders import tiny_bert


def data_of(shop: Dataset, split: str, config: TrainConfig) -> TrainingData:
    """Pairs from before the question, by user."""
    question = newest_question(shop.log, split, 7.0)
    log = question.train
    pairs = next_item_pairs(
        log, config.history, config.window_days, config.max_pairs_per_user, 10**9, config.seed
    )
    frequencies = np.bincount(log.items, minlength=log.num_items).astype(np.float64)
    return TrainingData(pairs, question.sample(1_000, 0), cooccurrence(log), frequencies)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="temporal")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--users-a-step", type=int, default=256)
    parser.add_argument("--pairs-a-user", type=int, default=8)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=1e-3)
    asked = parser.parse_args()
    shop, folder = read(asked.data), tiny_bert(Path("workspace/bench") / "tiny")
    print("| epsilon | noise | steps | pair AUC before | after | NDCG@10 before | after | seconds |")
    print("|---|---|---|---|---|---|---|---|")
    for epsilon in (None, 8.0, 3.0, 1.0):
        given: dict[str, Any] = {
            "mode": "head", "objective": "classifier", "epochs": asked.epochs, "hard_negatives": 4,
            "batch_pairs": asked.users_a_step, "max_pairs_per_user": asked.pairs_a_user,
            "learning_rate": asked.rate, "window_days": 3_650.0,
            "dp_epsilon": epsilon or 8.0, "dp_delta": 1e-5,
        }  # fmt: skip
        config = TrainConfig.model_validate(given)
        data = data_of(shop, asked.split, config)
        plan = PrivacyPlan.of(config, len(np.unique(data.pairs.users)))
        begun, curves = time.perf_counter(), []
        for _ in range(asked.runs):
            tower = Tower(EncoderConfig(source=str(folder)), config, shop.texts, shop.vectors)
            made = plan if epsilon else PrivacyPlan(**{**vars(plan), "noise_multiplier": 0.0})
            curves.append(train_private(tower, data, config, lambda figures: None, made).curve)
        shown = f"{plan.noise_multiplier:.2f}" if epsilon else "0"
        cells = " | ".join(
            f"{curves[0][0][name]:.4f} | {', '.join(f'{one[-1][name]:.4f}' for one in curves)}"
            for name in ("auc", "ndcg@10")
        )
        seconds = (time.perf_counter() - begun) / asked.runs
        name = f"{epsilon:g}" if epsilon else "none"
        print(f"| {name} | {shown} | {plan.steps} | {cells} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
