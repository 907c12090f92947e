"""The training loop of one worker; several workers together do exactly what one would do alone."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from recsys.baselines.scorers import Vectors
from recsys.blend.whitening import Whitening
from recsys.config import TrainConfig
from recsys.evaluation.ranking import rank_split
from recsys.evaluation.splits import Split
from recsys.metrics import auc
from recsys.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from recsys.training.hard_negatives import hard_negatives
from recsys.training.losses import info_nce, pair_cross_entropy
from recsys.training.pairs import Pairs, sampled_negatives
from recsys.training.tower import Tower

HELD_OUT_PAIRS = 2_000
Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a run learns from and is judged on."""

    pairs: Pairs
    question: Split
    """Held-out questions; their training events are what the pairs come from."""
    together: sp.csr_matrix
    """`[N, N]`: items that somebody acted on both of."""
    frequencies: np.ndarray
    """`[N]` training events."""
    origin: str = ""
    """Digest of the texts and of the base encoder's vectors."""

    def num_steps(self, config: TrainConfig) -> int:
        """Steps of a training that is not stopped early."""
        return len(self.pairs) // config.batch_pairs * config.epochs

    def digest(self, config: TrainConfig) -> str:
        """Of everything that decides the result."""
        made = hashlib.sha256(config.model_dump_json(exclude={"num_workers", "trackers"}).encode())
        targets = self.question.targets
        made.update(self.origin.encode())
        for part in (
            self.pairs.anchors, self.pairs.positives, self.question.users, targets.indptr, targets.indices,
        ):  # fmt: skip
            made.update(np.ascontiguousarray(part, np.int64).tobytes())
        return made.hexdigest()


@dataclass(frozen=True)
class Workers:
    """One worker's place among all; alone by default."""

    rank: int = 0
    world: int = 1
    gather: Callable[[torch.Tensor], torch.Tensor] = lambda part: part
    """All workers' rows in rank order, with gradient."""
    wrap: Callable[[nn.Module], nn.Module] = lambda module: module
    """Makes gradients the mean over workers."""


def train(
    tower: Tower, data: TrainingData, config: TrainConfig, folder: Path, workers: Workers, report: Report
) -> Progress:
    """Train to the end, from the newest checkpoint in `folder` when there is one.

    Rank 0 judges after each epoch and writes checkpoints; the best state is in `folder/best` and in
    `tower` at the end. Raises `ConfigError` for a folder of another run.
    """
    parameters = tower.trainable()
    optimizer = torch.optim.AdamW(list(parameters.values()), lr=config.rate, weight_decay=0.0)
    progress = load_checkpoint(folder, data.digest(config), parameters, optimizer)
    tower.resume(progress.step)
    steps = len(data.pairs) // config.batch_pairs
    network = workers.wrap(tower)
    if len(progress.curve) <= progress.step // steps:  # at the start, or killed before judging
        _judge(tower, data, config, progress, folder, workers, report, progress.step // steps)
    while not progress.done and progress.step < steps * config.epochs:
        epoch = progress.step // steps
        _epoch(network, tower, optimizer, data, config, folder, workers, progress, steps, report)
        _judge(tower, data, config, progress, folder, workers, report, epoch + 1)
    progress.done = True
    if workers.rank == 0:
        save_checkpoint(folder, progress, parameters, optimizer)
    load_checkpoint(folder / "best", progress.digest, parameters, optimizer)
    return progress


def _epoch(
    network: nn.Module,
    tower: Tower,
    optimizer: torch.optim.Optimizer,
    data: TrainingData,
    config: TrainConfig,
    folder: Path,
    workers: Workers,
    progress: Progress,
    steps: int,
    report: Report,
) -> None:
    epoch, begun, first = progress.step // steps, time.monotonic(), progress.step
    negatives = _negatives(tower, data, config, epoch)
    order = np.random.default_rng(config.seed + epoch).permutation(len(data.pairs))
    while progress.step < steps * (epoch + 1):
        place = progress.step % steps
        rows = order[place * config.batch_pairs : (place + 1) * config.batch_pairs]
        optimizer.zero_grad(set_to_none=True)
        loss = _loss(network, tower, data, config, rows, negatives, workers)
        (loss + tower.penalty()).backward()  # type: ignore[no-untyped-call]  # torch's own signature
        optimizer.step()
        progress.step += 1
        tower.allocate(progress.step)
        value = float(loss.detach())
        rate = (progress.step - first) * config.batch_pairs / max(time.monotonic() - begun, 1e-9)
        report(
            {
                "step": float(progress.step),
                "loss": value,
                "pairs_per_s": rate,
                "of": float(steps * config.epochs),
            }
        )
        if workers.rank == 0 and progress.step % config.checkpoint_every_steps == 0:
            save_checkpoint(folder, progress, tower.trainable(), optimizer)


def _loss(
    network: nn.Module,
    tower: Tower,
    data: TrainingData,
    config: TrainConfig,
    rows: np.ndarray,
    negatives: np.ndarray | None,
    workers: Workers,
) -> torch.Tensor:
    own = rows[workers.rank :: workers.world]
    history = data.pairs.anchors.shape[1]
    columns = [data.pairs.anchors[own], data.pairs.positives[own, None]]
    columns += [negatives[own]] if negatives is not None else []
    items = np.concatenate(columns, axis=1)
    distinct, inverse = np.unique(np.maximum(items, 0), return_inverse=True)
    vectors = network(torch.from_numpy(distinct.astype(np.int64)))
    placed = vectors[torch.from_numpy(inverse.reshape(items.shape))]
    weights = torch.from_numpy((items[:, :history] >= 0) * 0.5 ** np.arange(history)).to(placed)
    anchors = nn.functional.normalize((placed[:, :history] * weights[..., None]).sum(1), dim=1)
    if config.objective == "classifier":
        return _classified(tower, anchors, placed[:, history:])
    return _contrasted(data, config, rows, workers, anchors, placed[:, history:])


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
    first, positives = data.pairs.anchors[joined, 0], data.pairs.positives[joined]
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


def _negatives(tower: Tower, data: TrainingData, config: TrainConfig, epoch: int) -> np.ndarray | None:
    """Random for the classifier; mined with the current vectors for contrast."""
    num = config.hard_negatives
    if config.objective == "classifier":
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


def _judge(
    tower: Tower,
    data: TrainingData,
    config: TrainConfig,
    progress: Progress,
    folder: Path,
    workers: Workers,
    report: Report,
    epoch: int,
) -> None:
    """Every worker measures, so that all take the same decision; rank 0 writes."""
    vectors = tower.embed(len(data.frequencies))
    turned = Whitening.fit(vectors, "whitened").apply(vectors)
    unseen = data.question.unseen_only()
    asked = unseen if len(unseen.users) else data.question
    ranked = rank_split(Vectors(turned, 0.5), asked, True, with_auc=False)
    value = float(ranked.metrics["ndcg@10"].mean())
    figures = {"epoch": float(epoch), "ndcg@10": value, "auc": _pair_auc(vectors, data, config)}
    progress.curve.append(figures)
    better = value > progress.best
    progress.bad_epochs = 0 if better else progress.bad_epochs + 1
    if better:
        progress.best, progress.best_step = value, progress.step
        if workers.rank == 0:
            save_checkpoint(folder / "best", progress, tower.trainable(), torch.optim.AdamW([tower.scale]))
    progress.done = progress.bad_epochs > config.patience
    report(figures)


def _pair_auc(vectors: np.ndarray, data: TrainingData, config: TrainConfig) -> float:
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
