"""How much accuracy do random events cost the fitted blend, and how much does the seed?

Random events (any known user, any item, any time of the log) go into what is learned from; the questions stay
those of the clean log. Caps are tried too where they bite at all. Text vectors are hashed words.

    python -m tests.benchmarks.noise_and_seeds --data ../shared/data/office --split leave-one-out
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recsys.blend.blended import Blended
from recsys.blend.fit import fit_blend
from recsys.blend.making import make_signals
from recsys.config import FitConfig, UserCaps
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split, validation_and_test
from recsys.interaction_log import InteractionLog
from recsys.robustness import capped
from tests.benchmarks.hashed_words import hashed_words
from tests.benchmarks.protocol import load_items
from tests.benchmarks.shilling import NO_CAPS

SHARES = (0.0, 0.05, 0.1, 0.2, 0.3)


def read(folder: Path) -> Dataset:
    """All events with weight 1."""
    items = load_items(folder)
    events = pq.read_table(folder / "events.parquet")
    times = events.column("occurred_at").cast("timestamp[us]").cast("int64").to_numpy()
    users = [f"user:{user}" for user in events.column("user_id").to_pylist()]
    ids = items.column("item_id").to_pylist()
    log = InteractionLog.build(
        ids, users, events.column("item_id").to_pylist(), np.ones(len(users), np.float32), times
    )
    categories = dict(zip(ids, items.column("category").to_pylist(), strict=True))
    names = log.item_ids
    return Dataset(folder.name, log, hashed_words(items), list(names), [categories[name] for name in names])


def noisy(log: InteractionLog, share: float, seed: int) -> InteractionLog:
    """The log and `share` as many events of chance: any user with an event, any item, any time of the log."""
    rng, num = np.random.default_rng([seed, 77]), int(share * len(log))
    users = np.concatenate([log.users, rng.choice(np.unique(log.users), num).astype(np.int32)])
    items = np.concatenate([log.items, rng.integers(log.num_items, size=num).astype(np.int32)])
    weights = np.concatenate([log.weights, np.ones(num, np.float32)])
    times = np.concatenate([log.occurred_at_us, rng.choice(log.occurred_at_us, num)])
    order = np.lexsort((np.arange(len(users)), times, users))
    return replace(
        log, users=users[order], items=items[order], weights=weights[order], occurred_at_us=times[order]
    )


def ndcg(data: Dataset, validation: Split, test: Split, config: FitConfig) -> float:
    """NDCG@10 on the test, seen items hidden, with all settings chosen on the validation."""
    blend = fit_blend(validation, data, config, lambda text: None)
    signals = make_signals(replace(data, log=test.train), blend.settings, config)
    ranked = rank_split(Blended(signals, blend.blend(False)), test.unseen_only(), True, with_auc=False)
    return float(ranked.metrics["ndcg@10"].mean())


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="temporal")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shares", type=float, nargs="+", default=SHARES)
    parser.add_argument("--trials", type=int, default=30, help="trials of a fit for the weights")
    parser.add_argument("--choosing-users", type=int, default=1_000, help="users that settings are chosen on")
    asked = parser.parse_args()
    data = read(asked.data)
    questions = validation_and_test(data.log, asked.split, 7.0)
    print(f"{data.log.num_items:,} items, {data.log.num_users:,} users, {len(data.log):,} events")
    print(
        "| random events | "
        + " | ".join(f"seed {seed}" for seed in range(asked.seeds))
        + " | mean | caps on |"
    )
    print("|---|" + "---|" * (asked.seeds + 2))
    for share in asked.shares:
        plain, with_caps = [], []
        for seed in range(asked.seeds):
            config = FitConfig(
                split=asked.split,
                seed=seed,
                num_trials=asked.trials,
                max_users=asked.choosing_users,
                caps=NO_CAPS,
            )
            validation, test = (replace(q, train=noisy(q.train, share, seed)) for q in questions)
            plain.append(ndcg(data, validation, test, config))
            bites = any(len(capped(one.train, UserCaps())) < len(one.train) for one in (validation, test))
            own = (
                ndcg(data, validation, test, config.model_copy(update={"caps": UserCaps()}))
                if bites
                else None
            )
            with_caps.append(plain[-1] if own is None else own)
        cells = " | ".join(f"{value:.4f}" for value in plain)
        caps = "nothing to cap" if with_caps == plain else f"{np.mean(with_caps):.4f}"
        print(f"| {share:.0%} | {cells} | {np.mean(plain):.4f} | {caps} |", flush=True)


if __name__ == "__main__":
    main()
