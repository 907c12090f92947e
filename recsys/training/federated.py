"""Federated averaging (McMahan et al. 2017): shops train by themselves and share weights, never events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from recsys.config import TrainConfig
from recsys.errors import InputError
from recsys.training.batch import epoch_negatives, step_loss
from recsys.training.data import TrainingData, Workers
from recsys.training.judge import figures_of
from recsys.training.tower import Tower


@dataclass(frozen=True)
class Contribution:
    """All that leaves a shop: weights of what is trained, and two counts."""

    weights: bytes
    """Safetensors."""
    num_pairs: int
    """Pairs that the shop trained on: what its weights count in the mean."""
    steps: int


class LocalTraining:
    """One shop's part: its tower, its pairs, its own held-out questions."""

    def __init__(self, tower: Tower, data: TrainingData, config: TrainConfig) -> None:
        self._tower, self._data, self._config = tower, data, config

    def weights(self) -> bytes:
        """What is trained, as it is now."""
        return save(
            {name: value.detach().cpu().contiguous() for name, value in self._tower.trainable().items()}
        )

    def take(self, weights: bytes) -> None:
        """Go on from these weights; raises `InputError` for weights of another encoder or mode."""
        own, given = self._tower.trainable(), _tensors(weights)
        shapes = {name: tuple(value.shape) for name, value in own.items()}
        if shapes != {name: tuple(value.shape) for name, value in given.items()}:
            raise InputError(
                "the weights do not fit this shop's encoder",
                expected=_shown(shapes),
                found=_shown({name: tuple(value.shape) for name, value in given.items()}),
            )
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(given[name])

    def round(self, weights: bytes, number: int) -> Contribution:
        """One pass over the shop's own pairs from `weights`, with an optimizer of its own."""
        self.take(weights)
        config, data = self._config, self._data
        optimizer = torch.optim.AdamW(
            list(self._tower.trainable().values()), lr=config.rate, weight_decay=0.0
        )
        negatives = epoch_negatives(self._tower, data, config, number)
        order = np.random.default_rng([config.seed, number]).permutation(len(data.pairs))
        steps = len(data.pairs) // config.batch_pairs
        for place in range(steps):
            rows = order[place * config.batch_pairs : (place + 1) * config.batch_pairs]
            optimizer.zero_grad(set_to_none=True)
            loss = step_loss(self._tower, self._tower, data, config, rows, negatives, Workers())
            loss.backward()  # type: ignore[no-untyped-call]  # torch's own signature
            optimizer.step()
        return Contribution(self.weights(), len(data.pairs), steps)

    def figures(self, weights: bytes) -> dict[str, float]:
        """NDCG@10 and pair AUC of these weights on the shop's own held-out questions."""
        self.take(weights)
        return figures_of(self._tower.embed(len(self._data.frequencies)), self._data, self._config)


def averaged(contributions: Sequence[Contribution]) -> bytes:
    """Mean of the weights, each shop counting by its pairs; raises `InputError` for no or unlike ones."""
    parts = [(_tensors(one.weights), float(one.num_pairs)) for one in contributions]
    total = sum(count for _, count in parts)
    if not parts or total <= 0.0:
        raise InputError("there is nothing to average", expected="at least one shop with pairs")
    names = set(parts[0][0])
    if any(set(tensors) != names for tensors, _ in parts):
        raise InputError("shops train different parts", expected="one mode and one encoder")
    mean: dict[str, torch.Tensor] = {}
    for name in sorted(names):
        if len({tuple(tensors[name].shape) for tensors, _ in parts}) > 1:
            raise InputError("shops train different parts", expected="one width", found=name)
        weighed = [tensors[name].double() * (count / total) for tensors, count in parts]
        mean[name] = torch.stack(weighed).sum(0).to(parts[0][0][name].dtype).contiguous()
        if not torch.isfinite(mean[name]).all():
            raise InputError("a shop's weights are not finite", found=name)
    return save(mean)


def _tensors(weights: bytes) -> dict[str, torch.Tensor]:
    try:
        return load(weights)
    except SafetensorError as error:
        raise InputError("these are no weights", expected="safetensors", found=str(error)) from error


def _shown(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in sorted(shapes.items())[:4])
