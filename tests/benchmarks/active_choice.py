"""How much of a shop's behaviour do N chosen items give away, beside N drawn at random?

A shop of which nothing is known but texts chooses N items. Then the events on these items, and on no
others, are shown. Two questions follow. How popular is each other item: rank correlation of its training
events with the mean of its five nearest chosen ones'. What comes next: every item borrows the co-visits
(cosine) of its nearest chosen items, and lists for the held-out item, whole catalogue, seen items hidden, are
compared user by user with those that random choices give (mean over draws). Also chosen: farthest first
(k-center), and the most popular items, which a shop without events cannot know.

With `--known S` a share S of the items, drawn at random, is known with its events before; the others are new.
The choice then expects traffic by the known ones, and what is learned is added to what they say.

    python -m tests.benchmarks.active_choice --data ../shared/data/office
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from scipy.stats import spearmanr

from recsys.blend.histories import Histories
from recsys.blend.whitening import Whitening
from recsys.config import EncoderConfig
from recsys.dataset import Dataset
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split, leave_one_out
from recsys.item_item import cooccurrence, cosine_neighbours
from recsys.labelling import choose_busiest, choose_items, expected_traffic, knowledge, likeness
from recsys.metrics import paired_difference
from tests.benchmarks.shop import with_texts

NEAREST = 5


@dataclass(frozen=True, eq=False)
class Borrowed:
    """Co-visits of chosen items, spread to all: `soft [N, n] @ links [n, n] @ soft.T`."""

    soft: sp.csr_matrix
    links: sp.csr_matrix

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        return np.asarray(
            (histories.matrix(0.9) @ self.soft @ self.links @ self.soft.T).toarray(), np.float32
        )


def soft_assignment(vectors: np.ndarray, chosen: np.ndarray) -> sp.csr_matrix:
    """`[N, n]`: each item's nearest chosen ones, by the fourth power of their cosine; to itself 1."""
    near = np.maximum(vectors @ vectors[chosen].T, 0.0)
    near[chosen, np.arange(len(chosen))] = 1.0
    best = np.argsort(-near, axis=1, kind="stable")[:, :NEAREST]
    found = np.take_along_axis(near, best, axis=1)
    found[chosen] = found[chosen] * (np.arange(best.shape[1]) == 0)
    weights = found**4
    weights *= found[:, :1] / np.maximum(weights.sum(1, keepdims=True), 1e-12)
    rows = np.repeat(np.arange(len(vectors)), best.shape[1])
    return sp.csr_matrix((weights.ravel(), (rows, best.ravel())), shape=near.shape, dtype=np.float32)


def farthest_first(vectors: np.ndarray, num: int) -> np.ndarray:
    """k-center, greedily, from the item nearest to the mean."""
    found = [int((vectors @ vectors.mean(0)).argmax())]
    nearest = vectors @ vectors[found[0]]
    for _ in range(num - 1):
        found.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, vectors @ vectors[found[-1]])
    return np.array(found)


def judged(
    vectors: np.ndarray, question: Split, counts: sp.csr_matrix, chosen: np.ndarray
) -> tuple[float, np.ndarray]:
    """Rank correlation of popularity over the items that were not chosen, and `[B]` NDCG@10."""
    soft = soft_assignment(vectors, chosen)
    events = counts.diagonal()
    rest = np.setdiff1d(np.arange(len(vectors)), chosen)
    weights = np.asarray(soft.sum(1)).ravel()
    guessed = (soft @ np.log1p(events[chosen])) / np.maximum(weights, 1e-9)
    links = cosine_neighbours(counts[chosen][:, chosen].tocsr(), 5.0)
    ranked = rank_split(Borrowed(soft, links), question, True, with_auc=False)
    return float(spearmanr(guessed[rest], events[rest]).statistic), ranked.metrics["ndcg@10"]


def rows_of(shop: Dataset, sizes: list[int], draws: int, max_users: int, share: float) -> None:
    """Print the table."""
    vectors = Whitening.fit(shop.vectors, "whitened").apply(shop.vectors)
    question = leave_one_out(shop.log).unseen_only().sample(max_users, 0)
    counts, size = cooccurrence(question.train), len(vectors)
    had = np.random.default_rng(77).random(size) < share
    before, new = np.flatnonzero(had), np.flatnonzero(~had)
    events = np.where(had, counts.diagonal(), 0.0)
    begun, alike = time.perf_counter(), likeness(vectors)
    traffic = expected_traffic(alike, events)
    found = choose_items(alike, knowledge(events), traffic, max(sizes), ~had)
    seconds = time.perf_counter() - begun
    busiest = choose_busiest(alike, knowledge(events), traffic, max(sizes), ~had)
    print(f"{size:,} items, {len(before):,} of them known; {len(question.users):,} users asked; "
          f"{max(sizes)} chosen in {seconds:.1f} s\n")  # fmt: skip
    popular = np.argsort(-counts.diagonal()[new], kind="stable")
    orders = {
        "chosen": np.array([one.place for one in found]),
        "most traffic expected": np.array([one.place for one in busiest]),
        "farthest first": new[farthest_first(vectors[new], max(sizes))],
        "most popular (not known then)": new[popular],
    }
    print("| N | choice | popularity of the others, rank correlation | NDCG@10 | less random (95 %) |")
    print("|---|---|---|---|---|", flush=True)
    for num in sizes:
        drawn = [np.random.default_rng(seed).choice(new, num, replace=False) for seed in range(draws)]
        random = [judged(vectors, question, counts, np.union1d(before, own)) for own in drawn]
        mean = np.mean([ndcg for _, ndcg in random], axis=0)
        told = [rank for rank, _ in random]
        spread = f"{np.mean(told):.3f} ({min(told):.3f} to {max(told):.3f})"
        print(f"| {num} | random, {draws} draws | {spread} | {mean.mean():.4f} | |")
        for name, order in orders.items():
            rank, ndcg = judged(vectors, question, counts, np.union1d(before, order[:num]))
            gap = paired_difference(ndcg, mean)
            shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
            print(f"| {num} | {name} | {rank:.3f} | {ndcg.mean():.4f} | {shown} |", flush=True)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("workspace/bench"), help="keeps the vectors")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200, 500])
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--max-users", type=int, default=4_000)
    parser.add_argument("--known", type=float, default=0.0, help="share of the items known before")
    asked = parser.parse_args()
    shop, _ = with_texts(asked.data, asked.cache, EncoderConfig())
    rows_of(shop, asked.sizes, asked.draws, asked.max_users, asked.known)


if __name__ == "__main__":
    main()
