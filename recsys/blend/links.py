"""Item-item weights of a whole catalog by id, ready to be split into shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from recsys.blend.signals import Signals
from recsys.query import EVERYBODY, POPULARITY
from recsys.schemas import LINKS


@dataclass(frozen=True, eq=False)
class ModelLinks:
    """Signal -> matrix `[M + 1, M]`: row is the source (the last row: everybody), column the target."""

    item_ids: tuple[str, ...]
    """`M` ids, ascending."""
    signals: dict[str, sp.csc_matrix]

    @classmethod
    def empty(cls) -> ModelLinks:
        """No links at all."""
        return cls((), {})

    @classmethod
    def of(cls, item_ids: Sequence[str], signals: Signals) -> ModelLinks:
        """The neighbours, own returns and popularity of `signals`."""
        size = len(item_ids)
        nothing = sp.csr_matrix((1, size), dtype=np.float32)
        own = sp.diags(signals.repeat**signals.settings.repeat_power, format="csr", dtype=np.float32)
        popular = sp.csr_matrix(signals.popularity[None, :])
        none = sp.csr_matrix((size, size), dtype=np.float32)
        stacked = {
            "behaviour": [signals.behaviour, nothing],
            "transition": [signals.transition, nothing],
            "repeat": [own, nothing],
            "own": [sp.identity(size, format="csr", dtype=np.float32), nothing],
            POPULARITY: [none, popular],
        }
        return cls(tuple(item_ids), {name: sp.vstack(parts, format="csc") for name, parts in stacked.items()})

    def of_rows(self, target_ids: Sequence[str]) -> pa.Table:
        """`LINKS` into the items of one shard, in the order of its rows; unknown items have none."""
        place = {item_id: number for number, item_id in enumerate(self.item_ids)}
        known = [(row, place[item_id]) for row, item_id in enumerate(target_ids) if item_id in place]
        rows = np.array([row for row, _ in known], np.int32)
        columns = np.array([column for _, column in known], np.int64)
        parts = [self._part(name, rows, columns) for name in self.signals]
        return pa.concat_tables([LINKS.empty_table(), *parts]).unify_dictionaries().combine_chunks()

    def _part(self, name: str, rows: np.ndarray, columns: np.ndarray) -> pa.Table:
        pairs = self.signals[name][:, columns].tocoo()
        used, codes = np.unique(pairs.row, return_inverse=True)
        names = [self.item_ids[code] if code < len(self.item_ids) else EVERYBODY for code in used.tolist()]
        sources = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), pa.array(names, pa.string()))
        signal = pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(len(codes), np.int8)), pa.array([name], pa.string())
        )
        values = pa.array(pairs.data.astype(np.float32))
        return pa.Table.from_arrays([signal, sources, pa.array(rows[pairs.col]), values], schema=LINKS)
