"""What a training run learns from and is judged on, and a worker's place among others."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import torch
from torch import nn

from recsys.config import TrainConfig
from recsys.evaluation.splits import Split
from recsys.training.pairs import Pairs


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
    viewed: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    """`[V] int32` items of which title and rest are texts of their own: at place `N + 2v` and the next."""
    views: tuple[str, ...] = ()
    """`2V` such texts, title and rest in turn."""
    judged: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    """`[J] int32` places in `viewed` that judge where nobody's events do; nothing learns from them."""

    def items_of(self, places: np.ndarray) -> np.ndarray:
        """Items that texts at these places belong to, of the same shape."""
        size = len(self.frequencies)
        if not len(self.viewed):
            return places
        return np.where(places < size, places, self.viewed[np.maximum(places - size, 0) // 2])

    def num_steps(self, config: TrainConfig) -> int:
        """Steps of a training that is not stopped early."""
        return len(self.pairs) // config.batch_pairs * config.epochs

    def digest(self, config: TrainConfig) -> str:
        """Of everything that decides the result."""
        private = {"dp_epsilon", "dp_delta", "dp_max_grad_norm"} if config.dp_epsilon is None else set()
        decides = config.model_dump_json(exclude={"num_workers", "trackers"} | private)
        made = hashlib.sha256(decides.encode())
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
