"""The blocked scan: every allowed row is scored, and exactly the best are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from recsys.scan.added import Added
from recsys.scan.rows import Allowed, Rows

MAX_SCORES = 2**21
"""Scores held at a time: with their float64 steps about 40 MB, whatever B and N are."""
MAX_QUERIES = 128
MAX_ROWS = 2**16
MAX_GATHERED_ROWS = 2**13
"""Rows copied at a time when few are allowed."""
FEW_SCORES = 1_024
"""So few are sorted whole sooner than they are divided."""
GATHER_SHARE = 0.2
"""Below this share of allowed rows, gathering them is cheaper than scoring all."""


def scan(
    queries: np.ndarray,
    k: int,
    rows: Rows,
    allowed: Allowed,
    hidden: Sequence[np.ndarray],
    added: Sequence[Added] | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and scores of the best `k` rows for each query `[B, D]`, best first.

    `allowed` holds for all queries, `hidden` has ascending row numbers for each.
    `added` is what links add to the scores of each query.
    Equal scores are in row order, at the cut too. Fewer than `k` only when fewer are allowed.
    """
    gathered = allowed.share < GATHER_SHARE
    if gathered and 0 < allowed.count <= MAX_GATHERED_ROWS and added is None and len(queries) == 1:
        return [_of_few(queries, k, rows, allowed.rows, hidden[0])]
    found: list[tuple[np.ndarray, np.ndarray]] = []
    for start in range(0, len(queries), MAX_QUERIES):
        part = slice(start, start + MAX_QUERIES)
        tops = [_Top(k) for _ in queries[part]]
        if k > 0 and allowed.count:
            asked = queries[part]
            blocks = (_gathered if gathered else _all)(asked, rows, allowed)
            for numbers, scores in blocks:
                for one, own in zip(added[part] if added else (), scores, strict=False):
                    one.add_to(own, numbers)
                _take(tops, numbers, scores, hidden[part])
        found += [(top.rows, top.scores) for top in tops]
    return found


def best_places(scores: np.ndarray, k: int) -> np.ndarray:
    """Places of the best `k` of `[N]` scores: score descending, then place ascending, exactly."""
    if k <= 0 or len(scores) == 0:
        return np.empty(0, np.int64)
    if len(scores) <= FEW_SCORES:
        return np.argsort(-scores, kind="stable")[:k]
    places = np.arange(len(scores))
    if k < len(scores):
        bound = np.partition(scores, len(scores) - k)[len(scores) - k]
        above = np.flatnonzero(scores > bound)
        # Partition keeps whichever ties it met first; the first in order are wanted.
        places = np.concatenate([above, np.flatnonzero(scores == bound)[: k - len(above)]])
    return places[np.lexsort((places, -scores[places]))]


def _of_few(
    query: np.ndarray, k: int, rows: Rows, numbers: np.ndarray, hidden: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One query `[1, D]` over few rows at once: what a narrow filter asks for most."""
    scores = rows.scores(query, numbers)[0]
    if len(hidden):
        _hide(scores, numbers, hidden)
    best = best_places(scores, k)
    best = best[scores[best] > -np.inf]
    return numbers[best], scores[best]


class _Top:
    """The best rows of one query so far."""

    def __init__(self, k: int) -> None:
        self._k = k
        self.rows, self.scores = np.empty(0, np.int64), np.empty(0, np.float32)

    def take(self, numbers: np.ndarray, scores: np.ndarray) -> None:
        """Consider rows that come after all rows taken before."""
        # An equal score does not get in once k are held: its row number is higher.
        floor = self.scores[-1] if len(self.scores) == self._k else np.float32(-np.inf)
        better = np.flatnonzero(scores > floor)
        scores, numbers = scores[better], numbers[better]
        best = best_places(scores, self._k)
        # Rows ascend from block to block, so a place in the joined array is still the tie-break.
        joined = np.concatenate([self.scores, scores[best]])
        order = np.argsort(-joined, kind="stable")[: self._k]
        self.rows, self.scores = np.concatenate([self.rows, numbers[best]])[order], joined[order]


def _take(
    tops: Sequence[_Top], numbers: np.ndarray, scores: np.ndarray, hidden: Sequence[np.ndarray]
) -> None:
    for top, own, gone in zip(tops, scores, hidden, strict=True):
        if len(gone):
            _hide(own, numbers, gone)
        top.take(numbers, own)


def _hide(scores: np.ndarray, numbers: np.ndarray, hidden: np.ndarray) -> None:
    """Minus infinity for the hidden ones of ascending rows."""
    places = np.searchsorted(numbers, hidden).clip(max=len(numbers) - 1)
    scores[places[numbers[places] == hidden]] = -np.inf


def _all(queries: np.ndarray, rows: Rows, allowed: Allowed) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and scores of every row, block by block; minus infinity where not allowed."""
    step = min(MAX_ROWS, MAX_SCORES // len(queries))
    for start in range(0, len(allowed.mask), step):
        block = slice(start, start + step)
        scores = rows.scores(queries, block)
        if not allowed.everything:
            scores[:, ~allowed.mask[block]] = -np.inf
        yield np.arange(start, start + scores.shape[1]), scores


def _gathered(queries: np.ndarray, rows: Rows, allowed: Allowed) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Row numbers and scores of the allowed rows only."""
    for start in range(0, allowed.count, MAX_GATHERED_ROWS):
        numbers = allowed.rows[start : start + MAX_GATHERED_ROWS]
        yield numbers, rows.scores(queries, numbers)
