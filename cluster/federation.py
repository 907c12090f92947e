"""Federated fine-tuning on Ray: one actor a shop, which reads its own workspace and gives out weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from cluster.database import open_database
from cluster.dataset import read_dataset
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from recsys.config import TrainConfig
from recsys.dataset import Dataset
from recsys.encoder_record import load_encoder_config
from recsys.errors import EncoderError, InputError, RecsysError
from recsys.training.data import TrainingData
from recsys.training.federated import Contribution, LocalTraining, averaged
from recsys.training.tower import Tower
from recsys.workspace import Workspace

MakeData = Callable[[Dataset, TrainConfig], TrainingData]


@dataclass(frozen=True)
class ShopPart:
    """One shop: where its data lies, and which of its encoders is trained further."""

    workspace: Path
    database_url: str
    encoder_version: str


@dataclass(frozen=True)
class FederationReport:
    """What the rounds came to."""

    weights: bytes
    num_pairs: tuple[int, ...]
    before: tuple[dict[str, float], ...]
    """Figures of each shop on its own held-out questions, with the encoder as it was."""
    after: tuple[dict[str, float], ...]


class ShopActor:
    """A shop's side. Nothing but `Contribution` and two figures leaves it."""

    def __init__(self, part: ShopPart, config: TrainConfig, make_data: MakeData) -> None:
        workspace, engine = Workspace(part.workspace), open_database(part.database_url)
        shop = read_dataset(workspace, ItemStore(engine), EventStore(engine), part.encoder_version)
        data = make_data(shop, config)
        encoder = load_encoder_config(workspace, part.encoder_version)
        self._tower = Tower(encoder, config, shop.texts, shop.vectors, data.num_steps(config))
        self._training = LocalTraining(self._tower, data, config)

    def weights(self) -> bytes:
        """Of the encoder as it is."""
        return self._training.weights()

    def round(self, weights: bytes, number: int) -> Contribution:
        """One pass over the shop's own pairs."""
        return self._training.round(weights, number)

    def figures(self, weights: bytes) -> dict[str, float]:
        """How these weights do on the shop's own held-out questions."""
        return self._training.figures(weights)

    def save(self, weights: bytes, target: Path) -> None:
        """The encoder with these weights, into a folder of this shop."""
        self._training.take(weights)
        self._tower.save(target)


def federate(
    shops: Sequence[ShopPart],
    config: TrainConfig,
    rounds: int,
    make_data: MakeData,
    targets: Sequence[Path],
    on_round: Callable[[int], None] = lambda number: None,
) -> FederationReport:
    """Rounds of training at the shops and averaging here, on the Ray that is connected.

    Every shop must have been embedded by the same encoder; the result is written to each shop's target.
    Raises `InputError` for shops that do not fit together, or the error that stopped a shop.
    """
    versions = {shop.encoder_version for shop in shops}
    if len(versions) > 1:
        raise InputError(
            "shops have different encoders",
            expected="embeddings of one encoder in all of them",
            found=", ".join(sorted(versions)),
        )
    kind: Any = ray.remote(ShopActor)
    actors = [kind.options(num_cpus=0.5).remote(shop, config, make_data) for shop in shops]
    try:
        weights = _got([actors[0].weights.remote()])[0]
        before = _got([actor.figures.remote(weights) for actor in actors])
        parts: list[Contribution] = []
        for number in range(rounds):
            parts = _got([actor.round.remote(weights, number) for actor in actors])
            weights = averaged(parts)
            on_round(number + 1)
        after = _got([actor.figures.remote(weights) for actor in actors])
        _got([actor.save.remote(weights, target) for actor, target in zip(actors, targets, strict=True)])
    finally:
        for actor in actors:
            ray.kill(actor)
    return FederationReport(weights, tuple(one.num_pairs for one in parts), tuple(before), tuple(after))


def _got(references: Sequence[Any]) -> list[Any]:
    try:
        return list(ray.get(list(references)))
    except RayTaskError as error:
        if isinstance(error.cause, RecsysError):
            raise error.cause from error
        raise EncoderError(
            "a shop's training failed", found=str(error).strip().splitlines()[-1][:300]
        ) from error
    except RayError as error:
        raise EncoderError("a shop does not answer", found=type(error).__name__) from error
