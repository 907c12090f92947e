"""One value at a time, where a whole-column operation cannot tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.columns.raw import plain_values

Faults = dict[int, tuple[str, str]]
"""Row number in the table -> (reason, detail)."""
Cleaner = Callable[[Any], Any]


class CellRefusedError(ValueError):
    """A value that cannot be taken."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True)
class CleanColumn:
    """A column of the contract's type; rows with faults are null."""

    values: pa.Array
    faults: Faults = field(default_factory=dict)


def clean_each(column: pa.ChunkedArray, clean: Cleaner, kind: pa.DataType) -> CleanColumn:
    """Apply `clean` to each distinct value; null, and NaN, stays null unless `clean` makes
    something of it.

    `clean` raises `CellRefusedError` for a value it refuses.
    """
    values, positions = _distinct(column)
    cleaned: list[Any] = []
    refused: dict[int, CellRefusedError] = {}
    for number, value in enumerate(values):
        try:
            cleaned.append(clean(None if value != value else value))
        except CellRefusedError as fault:
            refused[number] = fault
            cleaned.append(None)
    faults = (
        {row: (refused[at].reason, str(refused[at])) for row, at in enumerate(positions) if at in refused}
        if refused
        else {}
    )
    return CleanColumn(pa.array(cleaned, kind).take(pa.array(positions, pa.int64())), faults)


def _distinct(column: pa.ChunkedArray) -> tuple[list[Any], Sequence[int]]:
    """The different values of a column, and for each row which of them it has."""
    try:
        encoded = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    except pa.ArrowNotImplementedError:  # nested and rare types
        return plain_values(column), range(len(column))
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    return plain_values(encoded.dictionary), encoded.indices.to_pylist()


def shown(value: object) -> str:
    """A value as it appears in a fault, short."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return repr(text[:80])
