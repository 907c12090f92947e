"""Item-item weights of one shard: for each signal, what a source item adds to each row's score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from recsys.query import Query
from recsys.schemas import LINKS

Weights = Mapping[str, Mapping[str, float]]


class Links:
    """Immutable; sources are in ascending order, so that sums do not depend on the split into shards."""

    def __init__(self, signals: Mapping[str, tuple[Sequence[str], sp.csr_matrix]], num_rows: int) -> None:
        """For each signal its ascending sources and a matrix `[sources, num_rows] float32`."""
        self._signals, self._num_rows = dict(signals), num_rows
        self._places = {
            signal: {source: place for place, source in enumerate(sources)}
            for signal, (sources, _) in signals.items()
        }

    @classmethod
    def from_table(cls, table: pa.Table, num_rows: int) -> Links:
        """From rows of `LINKS` in any order."""
        signals: dict[str, tuple[Sequence[str], sp.csr_matrix]] = {}
        table = table.combine_chunks().unify_dictionaries()
        names = table.column("signal").to_pylist() if table.num_rows else []
        of_signal = np.array(names, object)
        for signal in sorted(set(names)):
            part = table.filter(pa.array(of_signal == signal))
            signals[signal] = _matrix(part, num_rows)
        return cls(signals, num_rows)

    def __bool__(self) -> bool:
        """Whether there is any link."""
        return any(matrix.nnz for _, matrix in self._signals.values())

    def scores(self, queries: Sequence[Query]) -> sp.csr_matrix | None:
        """`[B, n] float32` of what links add to each row, or None when they add nothing."""
        total: sp.csr_matrix | None = None
        for signal, (sources, matrix) in self._signals.items():
            weights = self._weights(queries, signal, len(sources))
            if weights.nnz:
                added = weights @ matrix
                total = added if total is None else total + added
        return total

    def into(self, rows: Mapping[str, int]) -> dict[str, dict[str, dict[str, float]]]:
        """All links into some rows: target id -> signal -> source -> value."""
        found: dict[str, dict[str, dict[str, float]]] = {target: {} for target in rows}
        for signal, (sources, matrix) in self._signals.items():
            columns = matrix.tocsc()[:, list(rows.values())]
            for place, target in enumerate(rows):
                part = slice(columns.indptr[place], columns.indptr[place + 1])
                pairs = zip(columns.indices[part].tolist(), columns.data[part].tolist(), strict=True)
                found[target][signal] = {sources[source]: value for source, value in pairs}
        return found

    def _weights(self, queries: Sequence[Query], signal: str, num_sources: int) -> sp.csr_matrix:
        places = self._places[signal]
        rows, columns, values = [], [], []
        for row, query in enumerate(queries):
            for source, weight in query.links.get(signal, {}).items():
                if source in places:
                    rows.append(row)
                    columns.append(places[source])
                    values.append(weight)
        data = (np.array(values, np.float32), (rows, columns))
        return sp.csr_matrix(data, shape=(len(queries), num_sources))


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


def _matrix(part: pa.Table, num_rows: int) -> tuple[list[str], sp.csr_matrix]:
    encoded = part.column("source").combine_chunks()
    names = np.array(encoded.dictionary.to_pylist(), object)
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    used = np.unique(codes)
    order = sorted(used.tolist(), key=lambda code: names[code])
    place = np.full(len(names), -1, np.int64)
    place[order] = np.arange(len(order))
    data = (part.column("value").to_numpy(), (place[codes], part.column("row").to_numpy()))
    matrix = sp.csr_matrix(data, shape=(len(order), num_rows), dtype=np.float32)
    return [str(names[code]) for code in order], matrix
