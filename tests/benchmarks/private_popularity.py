"""What do private counts cost a list of what is popular?

The newest thirty days before the test, no user in more than so many pairs of item and day, noise drawn so
often; each list is asked of all users of the test, seen items not hidden.

    python -m tests.benchmarks.private_popularity --data ../shared/data/grocery
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.blend.histories import Histories
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import validation_and_test
from recsys.interaction_log import DAY_US, InteractionLog
from recsys.privacy.counts import Cells, capped_counts, discrete_laplace, least_told, noisy_counts
from tests.benchmarks.noise_and_seeds import read

DAYS = 30
HEAD = 50


@dataclass(frozen=True, eq=False)
class Popular:
    """The same scores for everybody."""

    counts: np.ndarray

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        return np.tile(self.counts.astype(np.float32), (len(histories), 1))


def cells_of(log: InteractionLog, days: int) -> Cells:
    """Who did something on which item in the newest days of a log."""
    day = log.occurred_at_us // DAY_US
    rows = np.flatnonzero((log.weights > 0) & (day > day.max() - days))
    return Cells(
        [log.user_keys[user] for user in log.users[rows]], log.items[rows].astype(np.int64), day[rows]
    )


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="temporal")
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--caps", type=int, nargs="+", default=(5, 20))
    asked = parser.parse_args()
    data = read(asked.data)
    _, test = validation_and_test(data.log, asked.split, 7.0)
    cells = cells_of(test.train, asked.days)
    users, num_items = len(set(cells.user_keys)), data.log.num_items
    print(f"{num_items:,} items, {users:,} users in {asked.days} days, {len(cells.items):,} events")
    print("| cap | epsilon | NDCG@10 | deviation over draws | same first 50 | threshold | items told |")
    print("|---|---|---|---|---|---|---|")
    plain = capped_counts(cells, num_items, 10**9)
    head = set(np.argsort(-plain, kind="stable")[:HEAD].tolist())

    def ndcg(counts: np.ndarray) -> float:
        return float(rank_split(Popular(counts), test, False, with_auc=False).metrics["ndcg@10"].mean())

    print(f"| none | none | {ndcg(plain):.4f} | | {HEAD} | | {(plain > 0).sum():,} |", flush=True)
    for cap in asked.caps:
        capped = capped_counts(cells, num_items, cap)
        same = len(head & set(np.argsort(-capped, kind="stable")[:HEAD].tolist()))
        print(f"| {cap} | none | {ndcg(capped):.4f} | | {same} | | {(capped > 0).sum():,} |", flush=True)
        for epsilon in (3.0, 1.0, 0.5, 0.1):
            drawn = [noisy_counts(capped, epsilon, cap, discrete_laplace) for _ in range(asked.draws)]
            values = [ndcg(counts) for counts in drawn]
            tops = [set(np.argsort(-counts, kind="stable")[:HEAD].tolist()) for counts in drawn]
            least = least_told(epsilon, cap, 0.001)
            told = np.mean([(counts >= least).sum() for counts in drawn])
            alike = np.mean([len(head & top) for top in tops])
            print(
                f"| {cap} | {epsilon:g} | {np.mean(values):.4f} | {np.std(values):.4f} "
                f"| {alike:.1f} | {least} | {told:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
