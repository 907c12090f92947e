"""What lists, answers and reasons go by in an item, read from a memory-mapped table one row at a time."""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import Any

import pyarrow as pa

SHOWN = ("title", "brand", "category", "created_at", "attributes")
KEPT_ROWS = 16_384
"""Rows that are remembered: shoppers' own items and what is recommended are few of many."""


class ShownFields:
    """Single rows of a table that comes in batches.

    `take` on such a table joins all of its batches first, which costs more than a search.
    """

    def __init__(self, items: pa.Table) -> None:
        """`items`: `ITEMS` in any number of batches."""
        batches = items.select(["item_id", *SHOWN]).to_batches()
        self._batches = [[batch.column(name) for name in batch.schema.names] for batch in batches]
        self._starts = [0, *accumulate(len(columns[0]) for columns in self._batches)]
        self.row = lru_cache(KEPT_ROWS)(self._read)
        """`item_id` and the shown fields of one row; shared, not to be changed."""

    def _read(self, number: int) -> dict[str, Any]:
        batch = bisect_right(self._starts, number) - 1
        place = number - self._starts[batch]
        item_id, *values = (column[place].as_py() for column in self._batches[batch])
        row = dict(zip(SHOWN, values, strict=True))
        row["attributes"] = dict(row["attributes"] or ())
        return {"item_id": item_id, **row}
