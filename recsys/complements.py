"""What goes with what: pairs bought in one visit more often than their own frequencies make likely."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

VISIT_US = 3_600_000_000
"""Purchases of one shopper with less than this between them are one basket."""
LEAST_SHOPPERS = 5
"""Shoppers who must have bought a pair together before anybody else is told of it."""
MOST_ITEMS = 40
"""Items of one basket that are paired; a wholesaler's list says nothing about what goes together."""
MOST_TIMES = 20
"""Baskets of one shopper that count for a pair or an item, so that nobody makes a pair by repeating it."""
SHRINKAGE = 10.0
"""Baskets without the pair that stand beside those that have it."""
POPULARITY_POWER = 0.25
"""How far what everybody buys is discounted: 0 is plain confidence, 1 is lift."""
KEPT = 20
"""Complements of one item."""


@dataclass(frozen=True)
class Complements:
    """Item -> what goes with it, `(item, score)`, best first."""

    of: Mapping[str, tuple[tuple[str, float], ...]] = field(default_factory=dict)

    @staticmethod
    def learn(
        purchases: Iterable[tuple[str, str, int]],
        power: float = POPULARITY_POWER,
        least_shoppers: int = LEAST_SHOPPERS,
    ) -> Complements:
        """From `(shopper, item, microseconds)` in any order.

        `score(a, b) = n_ab / (n_a + SHRINKAGE) / share_b ** power` over baskets; directed, since a lens goes
        with a camera more than a camera with a lens. Pairs of fewer than `least_shoppers` are left out; of
        one shopper at most `MOST_TIMES` baskets count for a pair, and for an item.
        """
        shoppers, items, baskets, names = _baskets(list(purchases))
        if not len(items):
            return Complements()
        first, second, owner = _pairs(shoppers, items, baskets)
        size = len(names)
        keys = first * size + second
        pairs, counts, by_shoppers = _counted(keys, owner)
        kept = by_shoppers >= least_shoppers
        pairs, together = pairs[kept], counts[kept]
        bought, times, _ = _counted(items, shoppers)
        alone = np.zeros(size)
        alone[bought] = times
        share = alone / max(int(baskets.max()) + 1, 1)
        found: dict[str, list[tuple[str, float]]] = {}
        for a, b in ((pairs // size, pairs % size), (pairs % size, pairs // size)):
            scores = together / (alone[a] + SHRINKAGE) / share[b] ** power
            for one, other, score in zip(a.tolist(), b.tolist(), scores.tolist(), strict=True):
                found.setdefault(names[one], []).append((names[other], score))
        best = {item: sorted(own, key=lambda pair: (-pair[1], pair[0]))[:KEPT] for item, own in found.items()}
        return Complements({item: tuple(own) for item, own in best.items()})

    def beside(self, basket: Iterable[str]) -> list[tuple[str, float]]:
        """What goes with a basket, best first: scores of its items added up, without the items themselves."""
        own = list(dict.fromkeys(basket))
        found: dict[str, float] = {}
        for item in own:
            for other, score in self.of.get(item, ()):
                found[other] = found.get(other, 0.0) + score
        return sorted(
            ((item, score) for item, score in found.items() if item not in own),
            key=lambda pair: (-pair[1], pair[0]),
        )


def _counted(keys: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each key once, ascending; how often it is there, `MOST_TIMES` for one owner at most; its owners."""
    told, times = np.unique(np.stack([keys, owners]), axis=1, return_counts=True)
    distinct, place = np.unique(told[0], return_inverse=True)
    counts = np.bincount(place, np.minimum(times, MOST_TIMES), len(distinct))
    return distinct, counts, np.bincount(place, minlength=len(distinct))


def _baskets(
    purchases: list[tuple[str, str, int]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Shopper, item and basket of each distinct item of each basket, in the order of baskets and items."""
    names = sorted({item for _, item, _ in purchases})
    place = {name: number for number, name in enumerate(names)}
    people = {name: number for number, name in enumerate(sorted({user for user, *_ in purchases}))}
    rows = np.array([(people[user], place[item], at) for user, item, at in purchases], np.int64).reshape(
        -1, 3
    )
    rows = rows[np.lexsort((rows[:, 2], rows[:, 0]))]
    apart = (np.diff(rows[:, 0]) != 0) | (np.diff(rows[:, 2]) >= VISIT_US)
    basket = np.concatenate([[0], np.cumsum(apart)])[: len(rows)]
    distinct, where = np.unique(np.stack([basket, rows[:, 1]]), axis=1, return_index=True)
    return rows[where, 0], distinct[1], distinct[0], names


def _pairs(
    shoppers: np.ndarray, items: np.ndarray, baskets: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both items (the smaller first) and the shopper of every pair in one basket."""
    ends = np.searchsorted(baskets, baskets, side="right")
    starts = np.searchsorted(baskets, baskets, side="left")
    usable = ends - starts <= MOST_ITEMS
    first: list[np.ndarray] = []
    second: list[np.ndarray] = []
    for lag in range(1, MOST_ITEMS):
        rows = np.flatnonzero(usable & (np.arange(len(items)) + lag < ends))
        if not len(rows):
            break
        first.append(rows)
        second.append(rows + lag)
    if not first:
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    one, other = np.concatenate(first), np.concatenate(second)
    return items[one], items[other], shoppers[one]
