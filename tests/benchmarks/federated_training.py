"""How good is an encoder head that shops train together, without showing events, against one on all events?

The users of a data set are dealt to shops that have the same catalog; the first gets half of all users.
Text vectors are hashed words. Judged as `recsys train` judges, on the questions of all shops together.

    python -m tests.benchmarks.federated_training --data ../shared/data/office --split leave-one-out
"""

from __future__ import annotations

import argparse
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.config import EncoderConfig, TrainConfig, TrainMode
from recsys.dataset import Dataset
from recsys.training.federated import LocalTraining, averaged
from recsys.training.tower import Tower
from tests.benchmarks.noise_and_seeds import read
from tests.benchmarks.private_training import data_of
from tests.tiny_encoders import tiny_bert


def part(shop: Dataset, kept: np.ndarray) -> Dataset:
    """The shop with the events of some users alone (`[U] bool`)."""
    return replace(shop, log=shop.log.select(kept[shop.log.users]))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="temporal")
    parser.add_argument("--shops", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=6)
    asked = parser.parse_args()
    shop, folder = read(asked.data), tiny_bert(Path("workspace/bench") / "tiny")
    config = TrainConfig(mode=TrainMode.HEAD, epochs=asked.rounds, hard_negatives=2, window_days=3_650.0)
    chance = np.random.default_rng(0).random(shop.log.num_users)
    edges = np.r_[0.0, 0.5, 0.5 + 0.5 * np.arange(1, asked.shops) / (asked.shops - 1)]
    members = [(chance >= low) & (chance < high) for low, high in itertools.pairwise(edges)]

    def local(data: Dataset) -> LocalTraining:
        tower = Tower(EncoderConfig(source=str(folder)), config, data.texts, data.vectors)
        return LocalTraining(tower, data_of(data, asked.split, config), config)

    pooled, shops = local(shop), [local(part(shop, own)) for own in members]
    start = pooled.weights()
    rows = {"untrained": start}
    for name, sites in [
        ("pooled", [pooled]),
        ("federated", shops),
        *((f"shop {number} alone", [one]) for number, one in enumerate(shops)),
    ]:
        weights = start
        for number in range(asked.rounds):
            weights = averaged([site.round(weights, number) for site in sites])
        rows[name] = weights
    print(f"users of the shops: {', '.join(str(int(own.sum())) for own in members)}; {asked.rounds} rounds")
    print("| weights | NDCG@10, everybody | pair AUC |")
    print("|---|---|---|")
    for name, weights in rows.items():
        found = pooled.figures(weights)
        print(f"| {name} | {found['ndcg@10']:.4f} | {found['auc']:.4f} |", flush=True)


if __name__ == "__main__":
    main()
