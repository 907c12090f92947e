"""The loss of one step: rows of pairs in, a scalar out."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from recsys.config import Objective, TrainConfig
from recsys.training.data import TrainingData, Workers
from recsys.training.hard_negatives import hard_negatives
from recsys.training.losses import info_nce, pair_cross_entropy
from recsys.training.pairs import sampled_negatives
from recsys.training.tower import Tower


def step_loss(
    network: nn.Module,
    tower: Tower,
    data: TrainingData,
    config: TrainConfig,
    rows: np.ndarray,
    negatives: np.ndarray | None,
    workers: Workers,
) -> torch.Tensor:
    """Loss of this worker's share of `rows` (places in the pairs); over the joint batch where gathered."""
    own = rows[workers.rank :: workers.world]
    if config.objective is Objective.MASKED_LANGUAGE:
        guessed: torch.Tensor = network(torch.from_numpy(data.pairs.positives[own].astype(np.int64)), True)
        return guessed
    history = data.pairs.anchors.shape[1]
    columns = [data.pairs.anchors[own], data.pairs.positives[own, None]]
    columns += [negatives[own]] if negatives is not None else []
    items = np.concatenate(columns, axis=1)
    distinct, inverse = _passes(np.maximum(items, 0), config)
    vectors = network(torch.from_numpy(distinct.astype(np.int64)))
    placed = vectors[torch.from_numpy(inverse.reshape(items.shape))]
    weights = torch.from_numpy((items[:, :history] >= 0) * 0.5 ** np.arange(history)).to(placed)
    anchors = nn.functional.normalize((placed[:, :history] * weights[..., None]).sum(1), dim=1)
    if config.objective is Objective.CLASSIFIER:
        return _classified(tower, anchors, placed[:, history:])
    return _contrasted(data, config, rows, workers, anchors, placed[:, history:])


def _passes(items: np.ndarray, config: TrainConfig) -> tuple[np.ndarray, np.ndarray]:
    """Places that go through the network, and for each of `items` (any shape) which of them it is.

    Each place goes once, but for views that differ by dropout alone.
    """
    if config.objective is Objective.DROPOUT_VIEWS:
        return items.ravel(), np.arange(items.size)
    return np.unique(items, return_inverse=True)


def _contrasted(
    data: TrainingData,
    config: TrainConfig,
    rows: np.ndarray,
    workers: Workers,
    anchors: torch.Tensor,
    others: torch.Tensor,
) -> torch.Tensor:
    """Over the joint batch where negatives are gathered, else over this worker's own rows."""
    if config.gather_negatives:
        joined = np.concatenate([rows[rank :: workers.world] for rank in range(workers.world)])
        anchors, others = workers.gather(anchors), workers.gather(others)
    else:
        joined = rows[workers.rank :: workers.world]
    first, positives = (
        data.items_of(places) for places in (data.pairs.anchors[joined, 0], data.pairs.positives[joined])
    )
    share = (data.frequencies[positives] + 1.0) / (data.frequencies.sum() + len(data.frequencies))
    allowed = (positives[:, None] != positives[None, :]) & (data.together[first][:, positives].toarray() == 0)
    hard = others[:, 1:] if others.shape[1] > 1 else None
    return info_nce(
        anchors,
        others[:, 0],
        torch.from_numpy(np.log(share)).to(anchors),
        torch.from_numpy(allowed).to(anchors.device),
        config.temperature,
        hard,
    )


def _classified(tower: Tower, anchors: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    logits = tower.scale[0] * torch.einsum("bd,bhd->bh", anchors, others) + tower.scale[1]
    labels = torch.zeros_like(logits)
    labels[:, 0] = 1.0
    return pair_cross_entropy(logits.flatten(), labels.flatten())


def epoch_negatives(tower: Tower, data: TrainingData, config: TrainConfig, epoch: int) -> np.ndarray | None:
    """Random for the classifier; mined with the current vectors for contrast; none where nobody chose."""
    num = 0 if config.objective.from_texts else config.hard_negatives
    if config.objective is Objective.CLASSIFIER:
        return sampled_negatives(data.pairs, len(data.frequencies), max(num, 1), config.seed + epoch)
    if num == 0:
        return None
    return hard_negatives(
        data.pairs.anchors[:, 0],
        tower.embed(len(data.frequencies)),
        data.together,
        num,
        config.hard_ranks,
        config.seed + epoch,
    )
