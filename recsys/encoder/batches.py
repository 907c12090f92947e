"""Which texts go through the backbone together: alike in length, within a token budget."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def token_batches(lengths: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Split texts of `lengths` `[N] int` into index batches, longest first.

    A batch holds texts of neighbouring lengths; its rows times its longest length stay within
    `budget`, except that one text alone always forms a batch. Every index appears exactly once.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, budget // max(1, int(lengths[order[start]])))
        yield order[start : start + rows]
        start += rows
