"""How good the encoder is after an epoch, on questions that it does not learn from."""

from __future__ import annotations

import numpy as np

from recsys.baselines.scorers import Vectors
from recsys.blend.whitening import Whitening
from recsys.config import TrainConfig
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split
from recsys.metrics import auc
from recsys.training.data import TrainingData
from recsys.training.pairs import Pairs, sampled_negatives
from recsys.training.tower import Tower

HELD_OUT_PAIRS = 2_000


def judged(tower: Tower, data: TrainingData, config: TrainConfig) -> dict[str, float]:
    """By held-out events where there are any, else by how titles find what else is said of their items."""
    if len(data.question.users):
        return figures_of(tower.embed(len(data.frequencies)), data, config)
    places = len(data.frequencies) + 2 * data.judged
    return view_figures(tower.embed_places(places), tower.embed_places(places + 1))


def view_figures(titles: np.ndarray, rests: np.ndarray) -> dict[str, float]:
    """NDCG@10 of finding the own of `J` rests `[J, D]` by its title `[J, D]`, and AUC against the others."""
    scores = titles @ rests.T
    before = (scores > np.diag(scores)[:, None]).sum(1)
    gains = np.where(before < 10, 1.0 / np.log2(before + 2.0), 0.0)
    others = max(len(scores) - 1, 1)
    return {"ndcg@10": float(gains.mean()), "auc": float(1.0 - before.mean() / others)}


def figures_of(vectors: np.ndarray, data: TrainingData, config: TrainConfig) -> dict[str, float]:
    """NDCG@10 of the text signal alone (seen hidden, full catalogue), and pair AUC, of vectors `[N, D]`."""
    turned = Whitening.fit(vectors, "whitened").apply(vectors)
    unseen = data.question.unseen_only()
    asked = unseen if len(unseen.users) else data.question
    ranked = rank_split(Vectors(turned, 0.5), asked, True, with_auc=False)
    return {"ndcg@10": float(ranked.metrics["ndcg@10"].mean()), "auc": pair_auc(vectors, data, config)}


def pair_auc(vectors: np.ndarray, data: TrainingData, config: TrainConfig) -> float:
    """Chance that a held-out pair is nearer than a random one; a half where there is no pair."""
    pairs = held_out_pairs(data.question)
    if len(pairs) == 0:
        return 0.5
    known = pairs.anchors[:, 0]
    others = sampled_negatives(pairs, len(data.frequencies), 1, config.seed)[:, 0]
    right = np.einsum("bd,bd->b", vectors[known], vectors[pairs.positives])
    wrong = np.einsum("bd,bd->b", vectors[known], vectors[others])
    return auc(np.concatenate([right, wrong]), np.arange(len(right)))


def held_out_pairs(split: Split) -> Pairs:
    """The last item that a user liked with the first other one among the targets, where there are both."""
    liked = split.train.select(split.train.weights > 0)
    found: list[tuple[int, int]] = []
    for row, user in enumerate(split.users[:HELD_OUT_PAIRS].tolist()):
        known = liked.items[liked.rows_of(user)][-1:]
        wanted = split.targets.indices[split.targets.indptr[row] : split.targets.indptr[row + 1]]
        found += [(int(own), int(other)) for own in known for other in wanted[wanted != own][:1]]
    places = np.array(found, np.int64).reshape(-1, 2)
    return Pairs(places[:, :1], places[:, 1])
