"""What does an encoder gain from a catalog's texts alone, without anybody's events?

The encoder is trained as `recsys train --objective ... --as-evaluated` trains it. Then the text signal alone
(whitened, history decayed) is asked twice, before and after, for each shopper's last item: new items, whole
catalogue, seen hidden; and a tenth of the catalog whose events were all taken away. Texts have the same
number of tokens before and after. Intervals are paired over shoppers.

    python -m tests.benchmarks.texts_only_training --data ../shared/data/beauty --objective dropout-views
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recsys.baselines.scorers import Vectors
from recsys.blend.whitening import Whitening
from recsys.config import EncoderConfig, Objective, TrainConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import (
    COLD_SHARE,
    cold_items,
    cold_question,
    validation_and_test,
    without_items,
)
from recsys.metrics import paired_difference
from recsys.training.data import Workers
from recsys.training.loop import train
from recsys.training.text_pairs import text_training_data
from recsys.training.tower import Tower
from tests.benchmarks.shop import with_texts


def ndcgs(shop: Dataset, vectors: np.ndarray, max_users: int) -> dict[str, np.ndarray]:
    """`[B]` NDCG@10 of the text signal by question of the test."""
    _, test = validation_and_test(shop.log, "leave-one-out", 7.0)
    cold = cold_question(test.unseen_only(), cold_items(test.train.item_ids, COLD_SHARE))
    turned = Whitening.fit(vectors, "whitened").apply(vectors)
    asked = {"new items": test.unseen_only().sample(max_users, 0), "cold items": cold}
    return {
        name: rank_split(Vectors(turned, 0.5), question, True, with_auc=False).metrics["ndcg@10"]
        for name, question in asked.items()
    }


def row(
    shop: Dataset, views: Sequence[tuple[str, str]], config: TrainConfig, encoder: EncoderConfig, users: int
) -> str:
    """Train, ask before and after, and say so in one row."""
    validation, _ = validation_and_test(shop.log, "leave-one-out", 7.0)
    question = without_items(validation, cold_items(shop.log.item_ids, COLD_SHARE)).sample(1_000, config.seed)
    data = text_training_data(shop.texts, views, question, config, shop.vectors)
    tower = Tower(encoder, config, [*shop.texts, *data.views], shop.vectors, data.num_steps(config))
    before, begun = ndcgs(shop, tower.embed(len(shop.texts)), users), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        progress = train(tower, data, config, Path(folder), Workers(), lambda figures: None)
    seconds = time.perf_counter() - begun
    after = ndcgs(shop, tower.embed(len(shop.texts)), users)
    cells = []
    for name, old in before.items():
        gap = paired_difference(after[name], old)
        shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        cells += [f"{old.mean():.4f}", f"{after[name].mean():.4f}", shown]
    curve = " ".join(f"{figures['ndcg@10']:.4f}" for figures in progress.curve)
    done = f"{config.objective} | {config.mode} | {config.rate:g} | {progress.step} | {seconds:.0f}"
    return f"| {shop.label} | {done} | {curve} | " + " | ".join(cells) + " |"


def main() -> None:
    """Print one row for each learning rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("workspace/bench"), help="keeps the vectors")
    parser.add_argument("--objective", type=Objective, required=True)
    parser.add_argument("--mode", default="lora")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--max-pairs", type=int, default=4_096)
    parser.add_argument("--max-tokens", type=int, default=32)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.0], help="0: the mode's own")
    parser.add_argument("--max-users", type=int, default=10_000)
    asked = parser.parse_args()
    encoder = EncoderConfig()
    shop, views = with_texts(asked.data, asked.cache, encoder)
    print(
        "| data | objective | mode | rate | steps | s | validation by epoch "
        "| new items before | after | gain (95 %) | cold items before | after | gain (95 %) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    for rate in asked.rates:
        config = TrainConfig.model_validate(
            {
                "objective": asked.objective, "mode": asked.mode, "epochs": asked.epochs,
                "max_pairs": asked.max_pairs, "max_tokens": asked.max_tokens, "batch_pairs": asked.batch,
                "learning_rate": rate or None, "as_evaluated": True,
            }
        )  # fmt: skip
        print(row(shop, views, config, encoder, asked.max_users), flush=True)


if __name__ == "__main__":
    main()
