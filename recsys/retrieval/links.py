"""Item-item weights of one shard: for each signal, what a source item adds to each row's score."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from recsys.query import Query
from recsys.scan import Added
from recsys.schemas import LINKS

Key = tuple[str, str]
"""Signal and source item."""


class Links:
    """Immutable. One matrix `[L, M]`: a row for each signal and source, a column for each linked row.

    Its rows ascend by signal and source, so that sums do not depend on the split into shards. Rows of
    the shard that nothing links to have no column: most of a catalog is seldom asked for.
    """

    def __init__(self, keys: Sequence[Key], matrix: sp.csr_matrix) -> None:
        """Ascending keys and a matrix `[L, N] float32` with ascending columns in each row."""
        self._keys = list(keys)
        self._linked = np.unique(matrix.indices).astype(np.int64)
        self._starts, self._values = matrix.indptr.astype(np.int64), matrix.data
        self._columns = np.searchsorted(self._linked, matrix.indices).astype(np.int32)
        self._place_of: dict[str, dict[str, int]] = {}
        for place, (signal, source) in enumerate(self._keys):
            self._place_of.setdefault(signal, {})[source] = place

    @classmethod
    def from_table(cls, table: pa.Table, num_rows: int) -> Links:
        """From rows of `LINKS` in any order."""
        table = table.combine_chunks().unify_dictionaries()
        codes, keys = _keys(table)
        values = (table.column("value").to_numpy(), (codes, table.column("row").to_numpy()))
        matrix = sp.csr_matrix(values, shape=(len(keys), num_rows), dtype=np.float32)
        matrix.sort_indices()
        return cls(keys, matrix)

    def __bool__(self) -> bool:
        """Whether there is any link."""
        return bool(len(self._values))

    def added(self, query: Query) -> Added:
        """What links add to each row for one query."""
        asked = [
            (places[source], weight)
            for signal, weights in query.links.items()
            if (places := self._place_of.get(signal))
            for source, weight in weights.items()
            if source in places
        ]
        asked.sort()
        entries, counts = self._entries([place for place, _ in asked])
        weights = np.repeat(np.array([weight for _, weight in asked], np.float32), counts)
        # Summed in double precision and in the order of the keys: the same in every split.
        totals = np.bincount(self._columns[entries], self._values[entries] * weights, len(self._linked))
        rows = np.flatnonzero(totals != 0.0)
        return Added(self._linked[rows], totals[rows].astype(np.float32))

    def into(
        self, rows: Mapping[str, int], sources: Collection[str] | None = None
    ) -> dict[str, dict[str, dict[str, float]]]:
        """Links into some rows, from some sources or from all: target id -> signal -> source -> value.

        From all sources every link of the shard is looked at; from some only their own.
        """
        found: dict[str, dict[str, dict[str, float]]] = {target: {} for target in rows}
        wanted, target_of = np.zeros(len(self._linked), bool), dict[int, str]()
        for target, row in rows.items():
            column = int(np.searchsorted(self._linked, row))
            if column < len(self._linked) and self._linked[column] == row:
                wanted[column], target_of[column] = True, target
        asked = self._places_from(sources)
        entries, counts = self._entries(asked)
        hits = np.flatnonzero(wanted[self._columns[entries]])
        keys = np.repeat(np.array(asked, np.int64), counts)[hits].tolist()
        entries = entries[hits]
        columns, values = self._columns[entries].tolist(), self._values[entries].tolist()
        for key, column, value in zip(keys, columns, values, strict=True):
            signal, source = self._keys[key]
            found[target_of[column]].setdefault(signal, {})[source] = value
        return found

    def _places_from(self, sources: Collection[str] | None) -> list[int]:
        if sources is None:
            return list(range(len(self._keys)))
        return [places[s] for places in self._place_of.values() for s in sources if s in places]

    def _entries(self, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Entries of some of the matrix's rows, row after row, and how many each row has."""
        which = np.array(places, np.int64)
        starts = self._starts[which]
        counts = self._starts[which + 1] - starts
        before = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(starts - before, counts), counts


def links_table(found: Mapping[str, Mapping[str, Mapping[str, float]]], rows: Mapping[str, int]) -> pa.Table:
    """`LINKS` from target -> signal -> source -> value, for targets at the given rows."""
    flat = [
        (signal, source, rows[target], value)
        for target, signals in found.items()
        if target in rows
        for signal, sources in signals.items()
        for source, value in sources.items()
    ]
    columns: list[Sequence[Any]] = list(zip(*flat, strict=True)) if flat else [(), (), (), ()]
    arrays = [
        pa.array(list(column), type_)
        for column, type_ in zip(columns, (pa.string(), pa.string(), pa.int32(), pa.float32()), strict=True)
    ]
    encoded = [arrays[0].dictionary_encode(), arrays[1].dictionary_encode(), *arrays[2:]]
    return pa.Table.from_arrays([pa.chunked_array([a]) for a in encoded], LINKS.names).cast(LINKS)


def _keys(table: pa.Table) -> tuple[np.ndarray, list[Key]]:
    """The row of each link in the matrix, `[L] int64`, and the ascending keys of the rows."""
    if not table.num_rows:
        return np.empty(0, np.int64), []
    signals, sources = (table.column(name).combine_chunks() for name in ("signal", "source"))
    signal_codes, source_codes = (c.indices.to_numpy().astype(np.int64) for c in (signals, sources))
    names = (signals.dictionary.to_pylist(), sources.dictionary.to_pylist())
    pairs, places = np.unique(signal_codes * len(names[1]) + source_codes, return_inverse=True)
    keys = [(names[0][pair // len(names[1])], names[1][pair % len(names[1])]) for pair in pairs.tolist()]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    row_of = np.empty(len(keys), np.int64)
    row_of[order] = np.arange(len(keys))
    return row_of[places], [keys[number] for number in order]
