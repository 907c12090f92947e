"""The six signals over one catalog, and their weighted sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from recsys.blend.histories import Histories
from recsys.blend.settings import Blend, SignalSettings
from recsys.interaction_log import DAY_US, InteractionLog
from recsys.item_item.cooccurrence import user_items

REPEAT_PRIOR = 20.0
"""Users of a category's average that stand beside an item's own."""


@dataclass(frozen=True, eq=False)
class Signals:
    """What is known of `N` items: vectors, neighbours, how often they come back, how popular they are.

    Each signal of a history is linear in the history's weights, which have unit L2 norm, so that a
    score is a sum over history items and can be explained by them exactly.
    """

    settings: SignalSettings
    vectors: np.ndarray
    """`[N, D] float32` unit rows (or zero)."""
    behaviour: sp.csr_matrix
    """`[N, N]`: row speaks for column."""
    transition: sp.csr_matrix
    """`[N, N]`: what follows the row."""
    repeat: np.ndarray
    """`[N] float32`: chance that a user comes back for the item."""
    popularity: np.ndarray
    """`[N] float32`: standardised logarithm of recent events."""

    def parts(self, histories: Histories, blend: Blend) -> list[np.ndarray]:
        """Unweighted `[B, N] float32` of each signal with a factor, in the order of `SIGNALS`."""
        makers = (
            self.text_scores, self.behaviour_scores, self.transition_scores, self.repeat_scores,
            self.own_scores,
        )  # fmt: skip
        parts = [make(histories) for make, factor in zip(makers, blend.factors(), strict=False) if factor]
        if blend.popularity:
            parts.append(np.broadcast_to(self.popularity, (len(histories), len(self.popularity))))
        return parts

    def scores(self, histories: Histories, blend: Blend) -> np.ndarray:
        """`[B, N] float32` weighted sums."""
        factors = [factor for factor in blend.factors() if factor]
        total = np.zeros((len(histories), len(self.popularity)), np.float32)
        for factor, part in zip(factors, self.parts(histories, blend), strict=True):
            total += np.float32(factor) * part
        return total

    def text_scores(self, histories: Histories) -> np.ndarray:
        """Cosine of the decayed mean of the history's vectors with each item's."""
        users = histories.matrix(self.settings.text_decay) @ self.vectors
        lengths = np.linalg.norm(users, axis=1, keepdims=True)
        return np.asarray((users / np.where(lengths > 1e-9, lengths, 1.0)) @ self.vectors.T, np.float32)

    def behaviour_scores(self, histories: Histories) -> np.ndarray:
        """Item-item model."""
        settings = self.settings
        users = histories.matrix(settings.behaviour_decay, settings.behaviour_half_life_days)
        return _dense(users @ self.behaviour)

    def transition_scores(self, histories: Histories) -> np.ndarray:
        """What followed the newest items."""
        return _dense(histories.matrix(self.settings.transition_decay) @ self.transition)

    def repeat_scores(self, histories: Histories) -> np.ndarray:
        """The user's own items, by how often they were bought and how often such items come back."""
        own = histories.frequency_matrix(self.settings.repeat_half_life_days)
        return _dense(own.multiply(self.repeat[None, :] ** self.settings.repeat_power).tocsr())

    def own_scores(self, histories: Histories) -> np.ndarray:
        """1 for each item of the history, whatever its age."""
        scores = np.zeros((len(histories), len(self.popularity)), np.float32)
        scores[histories.rows, histories.items] = 1.0
        return scores


def _dense(matrix: sp.csr_matrix) -> np.ndarray:
    return np.asarray(matrix.toarray(), np.float32)


def repeat_chances(log: InteractionLog, categories: Sequence[str | None]) -> np.ndarray:
    """Share of an item's users who came back for it, drawn to its category's share, `[N] float32`.

    Categories that are bought once (durables) come out near 0, consumables near 1, by the shop's
    own events.
    """
    liked = log.select(log.weights > 0)
    shape = (log.num_users, log.num_items)
    counts = sp.csr_matrix((np.ones(len(liked), np.float32), (liked.users, liked.items)), shape=shape)
    users = np.asarray((counts > 0).sum(0)).ravel().astype(np.float64)
    back = np.asarray((counts > 1).sum(0)).ravel().astype(np.float64)
    names = {name: place for place, name in enumerate(dict.fromkeys(categories))}
    group = np.array([names[name] for name in categories], np.int64)
    overall = (back.sum() + 1.0) / (users.sum() + 2.0)
    in_users, in_back = np.bincount(group, users), np.bincount(group, back)
    average = (in_back + REPEAT_PRIOR * overall) / (in_users + REPEAT_PRIOR)
    prior = average[group]
    return np.asarray((back + REPEAT_PRIOR * prior) / (users + REPEAT_PRIOR), np.float32)


def standard_popularity(log: InteractionLog, half_life_days: float) -> np.ndarray:
    """Logarithm of decayed positive event counts, zero mean and unit deviation over items, `[N] float32`."""
    logs = np.log1p(recent_popularity(log, half_life_days))
    deviation = float(logs.std())
    return np.asarray((logs - logs.mean()) / (deviation if deviation > 0.0 else 1.0), np.float32)


def recent_popularity(log: InteractionLog, half_life_days: float) -> np.ndarray:
    """Positive events of each item, each halved every `half_life_days` before the newest, `[N] float64`."""
    if len(log) == 0:
        return np.zeros(log.num_items)
    age_days = (log.occurred_at_us.max() - log.occurred_at_us) / DAY_US
    fresh = np.exp2(-age_days / half_life_days) * (log.weights > 0)
    return np.asarray(np.bincount(log.items, fresh, minlength=log.num_items), np.float64)


def modelled_items(log: InteractionLog, limit: int) -> np.ndarray:
    """Places of the `limit` items with the most users, ascending.

    Items without users are among them where there is room: the pull towards the texts gives them
    neighbours all the same.
    """
    users = np.asarray(user_items(log).sum(0)).ravel()
    return np.asarray(np.sort(np.argsort(-users, kind="stable")[:limit]), np.int64)
