"""Facility location over item texts: each next item adds most to what the chosen ones stand for."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

NEIGHBOURS = 100
"""Items that one can stand for, beside itself."""
ROWS_AT_ONCE = 512
HALF_KNOWN = 5.0
"""Events after which an item counts as half known."""


@dataclass(frozen=True)
class Choice:
    """One item to show or label next."""

    place: int
    gain: float
    """Share of the expected traffic that is represented by it and was not before."""
    stands_for: tuple[int, ...]
    """Places of other items that it represents better than anything before, most gained first."""


def knowledge(events: np.ndarray, half: float = HALF_KNOWN) -> np.ndarray:
    """`[N]` in [0, 1): how well items with so many events are known; 0 without any, 1/2 at `half`."""
    return np.asarray(events / (events + half), np.float64)


def likeness(vectors: np.ndarray, num: int = NEIGHBOURS) -> sp.csr_matrix:
    """`[N, N] float32`: cosine to the `num` nearest items where it is above 0, and 1 to itself.

    `vectors` are unit rows `[N, D]`. Not symmetric: an item may be near many that have nearer ones.
    """
    size = len(vectors)
    rows, columns, values = [], [], []
    for start in range(0, size, ROWS_AT_ONCE):
        near = vectors[start : start + ROWS_AT_ONCE] @ vectors.T
        own = np.arange(len(near))
        near[own, start + own] = -np.inf
        best = np.argpartition(-near, min(num, size - 1) - 1, axis=1)[:, : min(num, size - 1)]
        found = np.take_along_axis(near, best, axis=1)
        row, column = np.nonzero(found > 0.0)
        rows += [start + row, start + own]
        columns += [best[row, column], start + own]
        values += [found[row, column], np.ones(len(near), np.float32)]
    data = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(data, shape=(size, size), dtype=np.float32)


def expected_traffic(alike: sp.csr_matrix, events: np.ndarray) -> np.ndarray:
    """`[N]` shares that sum to 1: an item's own events, and the mean of those like it where it has few."""
    weights = np.asarray(alike.sum(1)).ravel()
    around = (alike @ events) / np.maximum(weights, 1e-9)
    sure = knowledge(events)
    expected = sure * events + (1.0 - sure) * around
    # One event among all keeps items in the game whose whole surroundings are new.
    expected = expected + max(float(events.sum()), 1.0) / max(len(events), 1) ** 2
    return np.asarray(expected / expected.sum(), np.float64)


def choose_items(
    alike: sp.csr_matrix, known: np.ndarray, traffic: np.ndarray, num: int, allowed: np.ndarray | None = None
) -> list[Choice]:
    """At most `num` items, best first, by lazy greedy (Minoux 1978): 63 % of the best set at the least.

    Item `i` is represented as well as it is like a chosen item, or like a known one times how well that
    is known (`known` `[N]` in [0, 1]); gains are weighed by `traffic` `[N]`. Items that are not `allowed`
    `[N] bool` are never chosen; ends early where nothing adds anything. Equal gains in the order of places.
    """
    by_chosen = alike.tocsc()
    covered = np.asarray(alike.multiply(known[None, :]).max(axis=1).todense()).ravel()
    places = np.arange(alike.shape[1]) if allowed is None else np.flatnonzero(allowed)
    heap = [(-_gain(by_chosen, covered, traffic, place), place) for place in places.tolist()]
    heapq.heapify(heap)
    found: list[Choice] = []
    while heap and len(found) < num:
        _, place = heap[0]
        gain = _gain(by_chosen, covered, traffic, place)
        if gain <= 0.0:
            heapq.heappop(heap)
            continue
        if len(heap) > 1 and (-gain, place) > min(heap[1:3]):
            heapq.heapreplace(heap, (-gain, place))
            continue
        heapq.heappop(heap)
        rows, better = _better(by_chosen, covered, place)
        order = rows[np.argsort(-better * traffic[rows], kind="stable")]
        covered[rows] += better
        found.append(_choice(place, gain, order))
    return found


def choose_busiest(
    alike: sp.csr_matrix, known: np.ndarray, traffic: np.ndarray, num: int, allowed: np.ndarray | None = None
) -> list[Choice]:
    """At most `num` items by the traffic that each expects itself and that is not known, best first.

    Takes what `choose_items` takes. What an item stands for decides nothing here: two that are alike are
    both chosen. An item that is half known or better is never chosen, since much traffic would outweigh
    that little of it is unknown; equal ones in the order of places.
    """
    unknown = traffic * (1.0 - known) * (known < 0.5)
    unknown = unknown if allowed is None else unknown * allowed
    by_chosen = alike.tocsc()
    found: list[Choice] = []
    for place in np.argsort(-unknown, kind="stable")[:num].tolist():
        if unknown[place] <= 0.0:
            break
        rows, better = _better(by_chosen, known, place)
        nearest = rows[np.argsort(-better, kind="stable")]
        found.append(_choice(place, float(unknown[place]), nearest))
    return found


def _choice(place: int, gain: float, order: np.ndarray) -> Choice:
    return Choice(place, gain, tuple(int(row) for row in order if row != place))


def _better(alike: sp.csc_matrix, covered: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Items that are represented better with `place`, and by how much."""
    part = slice(alike.indptr[place], alike.indptr[place + 1])
    rows, values = alike.indices[part], alike.data[part] - covered[alike.indices[part]]
    return rows[values > 0.0], values[values > 0.0]


def _gain(alike: sp.csc_matrix, covered: np.ndarray, traffic: np.ndarray, place: int) -> float:
    rows, better = _better(alike, covered, place)
    return float(better @ traffic[rows])
