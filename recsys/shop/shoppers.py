"""Shoppers with hidden tastes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.shop.catalog import BRANDS, Catalog
from recsys.shop.vocabulary import interests

BRAND_SHARE = 0.15
PRICE_SHARE = 0.15
NEWCOMER_SHARE = 0.08
"""Shoppers with three events at the most."""


@dataclass(frozen=True)
class Shoppers:
    """What each shopper truly likes; a recommender sees nothing of it."""

    ids: tuple[str, ...]
    tastes: np.ndarray
    """`[U, T] float64`: share of each interest, rows sum to 1."""
    brands: np.ndarray
    """`[U] int64`: the brand a shopper likes a little more."""
    price_levels: np.ndarray
    """`[U] float64` in [0, 1]: the price level a shopper is at ease with."""
    activity: np.ndarray
    """`[U] int64`: events wanted of each."""

    def affinity(self, shopper: int, catalog: Catalog) -> np.ndarray:
        """True liking of every item, `[N] float64` in [0, 1]."""
        taste = catalog.tastes @ (self.tastes[shopper] / self.tastes[shopper].max())
        brand = catalog.brands == self.brands[shopper]
        price = 1.0 - np.abs(catalog.price_levels - self.price_levels[shopper])
        score = (1 - BRAND_SHARE - PRICE_SHARE) * taste + taste * (BRAND_SHARE * brand + PRICE_SHARE * price)
        return np.asarray(np.clip(score, 0.0, 1.0))


def make_shoppers(rng: np.random.Generator, num_shoppers: int) -> Shoppers:
    """Shoppers with two to four interests each, of very different activity."""
    tastes = np.zeros((num_shoppers, len(interests())))
    for row in tastes:
        chosen = rng.choice(len(interests()), size=int(rng.integers(2, 5)), replace=False)
        row[chosen] = rng.dirichlet(np.full(len(chosen), 1.5))
    activity = np.maximum(4, rng.lognormal(3.65, 0.7, num_shoppers)).astype(np.int64)
    newcomers = rng.random(num_shoppers) < NEWCOMER_SHARE
    activity[newcomers] = rng.integers(0, 4, int(newcomers.sum()))
    return Shoppers(
        tuple(f"shopper-{number:04d}" for number in range(num_shoppers)),
        tastes,
        rng.integers(len(BRANDS), size=num_shoppers),
        rng.beta(2, 2, num_shoppers),
        np.minimum(activity, 250),
    )
