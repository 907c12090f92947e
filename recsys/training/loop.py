"""The training loop of one worker; several workers together do exactly what one would do alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from recsys.config import TrainConfig
from recsys.training.batch import epoch_negatives, step_loss
from recsys.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from recsys.training.data import TrainingData, Workers
from recsys.training.judge import judged
from recsys.training.private import train_private
from recsys.training.tower import Tower

Report = Callable[[dict[str, float]], None]


def train(
    tower: Tower, data: TrainingData, config: TrainConfig, folder: Path, workers: Workers, report: Report
) -> Progress:
    """Train to the end, from the newest checkpoint in `folder` when there is one.

    Rank 0 judges after each epoch and writes checkpoints; the best state is in `folder/best` and in
    `tower` at the end. Raises `ConfigError` for a folder of another run.
    """
    if config.dp_epsilon is not None:
        return train_private(tower, data, config, report)
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
    negatives = epoch_negatives(tower, data, config, epoch)
    order = np.random.default_rng(config.seed + epoch).permutation(len(data.pairs))
    while progress.step < steps * (epoch + 1):
        place = progress.step % steps
        rows = order[place * config.batch_pairs : (place + 1) * config.batch_pairs]
        optimizer.zero_grad(set_to_none=True)
        tower.begin(progress.step, workers.rank)
        loss = step_loss(network, tower, data, config, rows, negatives, workers)
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
    figures = {"epoch": float(epoch), **judged(tower, data, config)}
    value = figures["ndcg@10"]
    progress.curve.append(figures)
    better = value > progress.best
    progress.bad_epochs = 0 if better else progress.bad_epochs + 1
    if better:
        progress.best, progress.best_step = value, progress.step
        if workers.rank == 0:
            save_checkpoint(folder / "best", progress, tower.trainable(), torch.optim.AdamW([tower.scale]))
    progress.done = progress.bad_epochs > config.patience
    report(figures)
