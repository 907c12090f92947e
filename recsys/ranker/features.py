"""What a ranker is told about a candidate of a user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from recsys.blend.histories import Histories
from recsys.blend.settings import SIGNALS, Blend
from recsys.blend.signals import Signals

FEATURES = (
    *SIGNALS, "blend", "behind_best", *(f"{name}_rank" for name in SIGNALS), "blend_rank",
    "events", "repeat_chance", "history_items", "nearest_item", "newest_item", "same_category",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class ItemFacts:
    """What is known of items whoever asks."""

    events: np.ndarray
    """`[N]` training events."""
    categories: np.ndarray
    """`[N] int64` number of each item's category, -1 for none."""

    @classmethod
    def of(cls, events: np.ndarray, categories: Sequence[str | None]) -> ItemFacts:
        """From event counts and category paths."""
        names = {name: place for place, name in enumerate(dict.fromkeys(n for n in categories if n))}
        return cls(events, np.array([names.get(name or "", -1) for name in categories], np.int64))


def features(
    signals: Signals,
    blend: Blend,
    facts: ItemFacts,
    histories: Histories,
    places: np.ndarray,
    parts: np.ndarray,
) -> np.ndarray:
    """`[B, P, F] float32`, `F` as in `FEATURES`, for candidate `places` `[B, P]`.

    `parts` `[S, B, P]` are the signals' scores of the candidates. Ranks are reciprocal: 1 for the best.
    """
    total = np.einsum("s,sbp->bp", np.asarray(blend.factors(), np.float32), parts)
    lengths = np.diff(histories.offsets)
    columns = [
        *parts,
        total,
        total - total.max(1, keepdims=True),
        *(_reciprocal_rank(part) for part in parts),
        _reciprocal_rank(total),
        np.log1p(facts.events)[places],
        signals.repeat[places],
        np.broadcast_to(lengths[:, None], places.shape),
        *_likeness(signals, facts, histories, places),
    ]
    return np.stack([np.asarray(column, np.float32) for column in columns], axis=2)


def _reciprocal_rank(scores: np.ndarray) -> np.ndarray:
    order = np.argsort(-scores, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(scores.shape[1])[None, :], axis=1)
    return 1.0 / (1.0 + ranks)


def _likeness(
    signals: Signals, facts: ItemFacts, histories: Histories, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosine with the nearest and the newest history item, and the share of history in the category."""
    nearest, newest = np.zeros(places.shape, np.float32), np.zeros(places.shape, np.float32)
    same = np.zeros(places.shape, np.float32)
    for row in range(len(places)):
        own = histories.items[histories.offsets[row] : histories.offsets[row + 1]]
        if len(own) == 0:
            continue
        cosines = signals.vectors[own] @ signals.vectors[places[row]].T
        nearest[row], newest[row] = cosines.max(0), cosines[0]
        known = facts.categories[places[row]]
        same[row] = ((facts.categories[own][:, None] == known[None, :]) & (known >= 0)).mean(0)
    return nearest, newest, same
