"""What do items without events gain from borrowing the behaviour of their nearest known ones?

Soft links are chosen as `recsys fit` chooses them, on a tenth of the catalog whose events are taken away from
the validation. Then the test is asked, with and without: another tenth whose events are taken away, and all
users, whole catalogue, seen items hidden. So that it ends in minutes the other settings are the default ones,
and only the weights of the signals are fitted (30 trials, 800 users). Whitened text alone stands beside it.

    python -m tests.benchmarks.cold_soft_links --data ../shared/data/office
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.baselines.scorers import Vectors
from recsys.blend.blended import Blended
from recsys.blend.making import make_signals, with_soft_links
from recsys.blend.pool import pool_of
from recsys.blend.settings import SignalSettings
from recsys.blend.soft_choice import choose_soft_links
from recsys.blend.weights import fit_weights
from recsys.config import EncoderConfig, FitConfig
from recsys.evaluation.ranking import Scorer, rank_split
from recsys.evaluation.splits import COLD_SHARE, Split, cold_items, cold_question, validation_and_test
from recsys.metrics import paired_difference
from tests.benchmarks.shop import with_texts


def ndcgs(scorer: Scorer, asked: Split) -> np.ndarray:
    """`[B]` NDCG@10."""
    return rank_split(scorer, asked, True, with_auc=False).metrics["ndcg@10"]


def main() -> None:
    """Print what was chosen, and one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("workspace/bench"), help="keeps the vectors")
    parser.add_argument("--split", default="leave-one-out")
    parser.add_argument("--max-users", type=int, default=4_000, help="of all users")
    parser.add_argument("--max-items", type=int, default=12_500, help="that the closed-form model covers")
    asked = parser.parse_args()
    shop, _ = with_texts(asked.data, asked.cache, EncoderConfig())
    config = FitConfig(split=asked.split, num_trials=30, max_direct_items=asked.max_items)
    validation, test = validation_and_test(shop.log, asked.split, config.holdout_days)
    known = replace(shop, log=validation.train)
    signals = make_signals(known, SignalSettings(cold_lift=1.0), config)
    unseen = validation.unseen_only().sample(800, 0)
    blend, value = fit_weights(pool_of(signals, unseen, True), config)
    print(f"{blend}; validation NDCG@10 {value:.4f}", flush=True)
    chosen = choose_soft_links(known, validation, unseen, signals, blend, config, print)
    print(
        "\n| test | users | whitened text | without | with soft links | gain (95 %) |\n"
        "|---|---|---|---|---|---|",
        flush=True,
    )
    cold = cold_question(test.unseen_only(), cold_items(shop.log.item_ids, COLD_SHARE))
    everybody = test.unseen_only().sample(asked.max_users, 0)
    for name, question in (("new items alone", cold), ("all", everybody)):
        before = make_signals(replace(shop, log=question.train), signals.settings, config)
        matrix = with_soft_links(
            before.behaviour, question.train, before.vectors, shop.categories, chosen, config
        )
        text = ndcgs(Vectors(before.vectors, before.settings.text_decay), question)
        old = ndcgs(Blended(before, blend), question)
        new = ndcgs(Blended(replace(before, behaviour=matrix), blend), question)
        gap = paired_difference(new, old)
        shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
        row = f"{text.mean():.4f} | {old.mean():.4f} | {new.mean():.4f} | {shown}"
        print(f"| {name} | {len(question.users):,} | {row} |", flush=True)


if __name__ == "__main__":
    main()
