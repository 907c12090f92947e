"""Items of the built-in shop for measuring: the same in every run."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from recsys.shop.catalog import make_catalog

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def shop_items(rng: np.random.Generator, count: int) -> pa.Table:
    """`count` items as `ITEMS`; equal generators give equal items."""
    return make_catalog(rng, count, NOW).items
