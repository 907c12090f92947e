"""Training examples from a log: rows of history items with the item that came next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from recsys.errors import InputError
from recsys.interaction_log import DAY_US, InteractionLog


@dataclass(frozen=True, eq=False)
class Pairs:
    """`P` examples."""

    anchors: np.ndarray
    """`[P, H] int32` item places, newest first, -1 where the history is shorter."""
    positives: np.ndarray
    """`[P] int32` item places."""
    users: np.ndarray = field(default_factory=lambda: np.empty(0, np.int32))
    """`[P] int32`: whose they are; empty where nobody asks."""

    def __len__(self) -> int:
        """Number P."""
        return len(self.positives)


def next_item_pairs(
    log: InteractionLog, history: int, window_days: float, max_per_user: int, max_pairs: int, seed: int
) -> Pairs:
    """Each positive event with up to `history` distinct items of the same user before it.

    With `history` 1 these are co-engaged item pairs. Events further apart than `window_days` are no
    pair; neither is an item with itself. A user's newest `max_per_user` count, and at most `max_pairs`
    in all, drawn by `seed`. Users with one event give nothing.
    """
    liked = log.select(log.weights > 0)
    anchors: list[list[int]] = []
    positives: list[int] = []
    users: list[int] = []
    for user in range(liked.num_users):
        rows = liked.rows_of(user)
        items, times = liked.items[rows].tolist(), liked.occurred_at_us[rows].tolist()
        for place in range(max(1, len(items) - max_per_user), len(items)):
            start = times[place] - window_days * DAY_US
            before = [
                items[p] for p in range(place - 1, -1, -1) if times[p] >= start and items[p] != items[place]
            ]
            own = list(dict.fromkeys(before))[:history]
            if own:
                anchors.append(own + [-1] * (history - len(own)))
                positives.append(items[place])
                users.append(user)
    found = Pairs(
        np.array(anchors, np.int32).reshape(-1, history),
        np.array(positives, np.int32),
        np.array(users, np.int32),
    )
    if len(found) <= max_pairs:
        return found
    kept = np.sort(np.random.default_rng(seed).choice(len(found), max_pairs, replace=False))
    return Pairs(found.anchors[kept], found.positives[kept], found.users[kept])


def require_pairs(pairs: Pairs, batch_pairs: int) -> None:
    """Raise `InputError` when there is not even one batch."""
    if len(pairs) < batch_pairs:
        raise InputError(
            "there are too few training pairs",
            expected=f"at least one batch of {batch_pairs}",
            found=str(len(pairs)),
            hint="recsys import events with more of them, or a smaller --batch",
        )


def sampled_negatives(pairs: Pairs, num_items: int, per_pair: int, seed: int) -> np.ndarray:
    """`[P, per_pair] int32` random items for the pair classifier, never the pair's own.

    A catalog that holds nothing but a pair's own items leaves no other choice than one of them.
    """
    drawn = np.random.default_rng(seed).integers(0, num_items, (len(pairs), per_pair)).astype(np.int32)
    own = np.concatenate([pairs.positives[:, None], pairs.anchors], axis=1)
    for _ in range(own.shape[1]):  # each own item can be stepped on once at the most
        taken = (drawn[:, :, None] == own[:, None, :]).any(2)
        drawn = np.where(taken, (drawn + 1) % num_items, drawn).astype(np.int32)
    return drawn
