"""Which rows the filters of late let through, remembered."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
import pyarrow as pa

from recsys.filters import Filter
from recsys.scan import Allowed

KEPT_FILTERS = 32
"""Filters whose answers are remembered: one byte an item each."""
Key = tuple[Filter | None, bool]


class FilteredRows:
    """Rows of one table by filter and availability. Thread-safe."""

    def __init__(self, items: pa.Table) -> None:
        """`items`: `ITEMS`, without description."""
        self._items = items
        self._kept: OrderedDict[Key, Allowed] = OrderedDict()
        self._lock = Lock()

    def known(self, filter: Filter | None, include_unavailable: bool = False) -> Allowed | None:
        """The rows of a filter that is remembered."""
        return self._kept.get((filter, include_unavailable))

    def allowed(self, filter: Filter | None, include_unavailable: bool = False) -> Allowed:
        """The rows that pass."""
        key = (filter, include_unavailable)
        with self._lock:
            if (found := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return found
        found = Allowed(self._mask(filter, include_unavailable))
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT_FILTERS:
                self._kept.popitem(last=False)
        return found

    def _mask(self, filter: Filter | None, include_unavailable: bool) -> np.ndarray:
        available = np.asarray(self._items.column("available").to_numpy(), bool)
        mask = np.ones(len(available), bool) if include_unavailable else available
        return mask if filter is None else mask & filter.mask(self._items)
