"""Popularity that says next to nothing about anybody: capped counts under discrete Laplace noise."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Noise = Callable[[int, float], np.ndarray]
"""`(size, scale) -> [size] int64`."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Who acted on which item on which day, each triple once; `M` of them."""

    user_keys: Sequence[str]
    items: np.ndarray
    """`[M] int64`: places in the catalog."""
    days: np.ndarray
    """`[M] int64`: days since 1970 UTC."""


def capped_counts(cells: Cells, num_items: int, user_cells: int) -> np.ndarray:
    """`[num_items] int64`: users and days of each item, no user adding more than `user_cells` altogether.

    Of a user with more the newest days count, on one day those first by a digest. Which of a user's cells
    count depends on that user alone, so that one user more or less changes the counts by at most
    `user_cells` in sum: that is the sensitivity in the L1 norm.
    """
    if not len(cells.items):
        return np.zeros(num_items, np.int64)
    users = np.unique(np.asarray(cells.user_keys, object), return_inverse=True)[1]
    triples, first = np.unique(
        np.stack([users, cells.items, cells.days]).astype(np.int64), axis=1, return_index=True
    )
    own, items, days = triples
    chance = [
        zlib.crc32(f"{cells.user_keys[row]}\0{item}".encode("utf-8", "surrogatepass"))
        for row, item in zip(first.tolist(), items.tolist(), strict=True)
    ]
    order = np.lexsort((items, chance, -days, own))
    starts = np.r_[0, np.flatnonzero(np.diff(own[order])) + 1]
    place = np.arange(len(order)) - np.repeat(starts, np.diff(np.r_[starts, len(order)]))
    return np.bincount(items[order[place < user_cells]], minlength=num_items).astype(np.int64)


def noisy_counts(counts: np.ndarray, epsilon: float, user_cells: int, noise: Noise) -> np.ndarray:
    """`counts` with discrete Laplace noise of scale `user_cells / epsilon` on every item, also on zeros.

    So the release is `epsilon`-differentially private for the adding or removing of one user (Ghosh,
    Roughgarden, Sundararajan 2009): the items are the catalog's and say nothing about who acted on them.
    """
    return counts + noise(len(counts), user_cells / epsilon)


def least_told(epsilon: float, user_cells: int, false_share: float) -> int:
    """The count that an item nobody touched reaches by noise with probability `false_share` at most.

    Items below it are left out: what is told is then something, and leaving out costs no privacy.
    `P(noise >= t) = alpha^t / (1 + alpha)` with `alpha = exp(-epsilon / user_cells)`.
    """
    alpha = math.exp(-epsilon / user_cells)
    return max(1, math.ceil(math.log(false_share * (1.0 + alpha)) / math.log(alpha)))


def discrete_laplace(size: int, scale: float) -> np.ndarray:
    """`[size] int64`, `P(k) ~ exp(-|k| / scale)`, sampled exactly by OpenDP from the system's randomness.

    Sampled with floats it would be attackable by its lowest bits (Mironov 2012).
    """
    import opendp.prelude as dp

    dp.enable_features("contrib")  # that of the sampler's Python constructor; the noise itself is proven
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64")
    return np.asarray(dp.m.make_laplace(*space, scale=scale)([0] * size), np.int64)
