"""Scorers of the simple methods; each is fitted on a log and scores histories over the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recsys.blend.histories import Histories
from recsys.errors import ConfigError
from recsys.evaluation.ranking import Scorer


@dataclass(frozen=True, eq=False)
class Constant:
    """The same scores `[N]` for everybody."""

    values: np.ndarray

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        return np.tile(np.asarray(self.values, np.float32), (len(histories), 1))


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Decayed history times an item-item matrix `[N, N]`, dense or sparse."""

    weights: np.ndarray | sp.csr_matrix
    decay: float

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        product = histories.matrix(self.decay) @ self.weights
        return np.asarray(product.toarray() if sp.issparse(product) else product, np.float32)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Cosine of the decayed mean of the history's unit vectors `[N, D]` with each item's."""

    vectors: np.ndarray
    decay: float

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`; ranks do not depend on the length of the mean."""
        return np.asarray((histories.matrix(self.decay) @ self.vectors) @ self.vectors.T, np.float32)


@dataclass(frozen=True, eq=False)
class Factors:
    """ALS with the history folded in: one regularised least-squares step per user."""

    item_factors: np.ndarray
    """`[N, F] float32`."""
    regularisation: float
    alpha: float
    decay: float

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`; confidence `alpha`, decayed, on liked items (Hu, Koren, Volinsky 2008)."""
        rows = self.item_factors.astype(np.float64)
        gram = rows.T @ rows + self.regularisation * np.eye(rows.shape[1])
        users = np.zeros((len(histories), rows.shape[1]))
        for place in range(len(histories)):
            part = slice(histories.offsets[place], histories.offsets[place + 1])
            liked = histories.strengths[part] > 0.0
            own = rows[histories.items[part][liked]]
            confidence = self.alpha * self.decay ** histories.steps[part][liked].astype(np.float64)
            more = own.T @ (own * (confidence - 1.0)[:, None])
            users[place] = np.linalg.solve(gram + more, confidence @ own)
        return np.asarray(users @ rows.T, np.float32)


@dataclass(frozen=True, eq=False)
class Standardised:
    """Sum of other scorers, each with zero mean and unit deviation over the catalog for each user."""

    scorers: Sequence[Scorer]
    factors: Sequence[float]

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`; a scorer that is constant for a user adds nothing."""
        total: np.ndarray | None = None
        for scorer, factor in zip(self.scorers, self.factors, strict=True):
            if factor:
                part = scorer.scores(histories)
                part -= part.mean(1, keepdims=True)
                part *= np.float32(factor) / np.maximum(part.std(1, keepdims=True), 1e-9)
                total = part if total is None else total + part
        if total is None:
            raise ConfigError("a blend needs a factor that is not 0", found=str(tuple(self.factors)))
        return total


@dataclass(frozen=True, eq=False)
class OwnItems:
    """What the user acted on before, most often first; events halve every `half_life_days`."""

    half_life_days: float

    def scores(self, histories: Histories) -> np.ndarray:
        """`[B, N] float32`."""
        return np.asarray(histories.frequency_matrix(self.half_life_days).toarray(), np.float32)
