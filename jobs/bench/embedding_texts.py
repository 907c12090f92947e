"""Texts of the built-in shop with the lengths that real catalogs have."""

from __future__ import annotations

import numpy as np

from jobs.bench.shop_items import shop_items
from recsys.text import item_texts

STOP_SHARE = 0.72
"""Chance that no further description is joined; the mean is 0.39 more."""


def shop_texts(count: int, seed: int = 7) -> list[str]:
    """`count` different texts. The shop's own are alike in length (about 50 tokens), so that descriptions
    of other items are joined to some of them.
    """
    rng = np.random.default_rng(seed)
    items = shop_items(rng, 2 * count)
    own = list(dict.fromkeys(item_texts(items).column("text").to_pylist()))[:count]
    descriptions = items.column("description").to_pylist()
    joined = rng.geometric(STOP_SHARE, len(own)) - 1
    return [
        " ".join([f"{text}.", *(descriptions[place] for place in rng.integers(len(descriptions), size=more))])
        for text, more in zip(own, joined, strict=True)
    ]
