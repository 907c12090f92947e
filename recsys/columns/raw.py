"""Tables of any origin with types that cleaning can rely on."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.reading.lines import decode

UNPRINTABLE = (ValueError, OverflowError, pa.ArrowException)
"""What Arrow raises for a value that has no Python form, such as a year beyond 9999."""

BINARY = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_fixed_size_binary,
    pa.types.is_binary_view,
)


def plain_table(table: pa.Table) -> pa.Table:
    """The same rows with one name a column, text as valid `string`, and no dictionaries or extensions."""
    seen: Counter[str] = Counter()
    names = []
    for name in table.column_names:
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return pa.Table.from_arrays([plain_column(column) for column in table.columns], names=names)


def plain_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """One column in the simplest type that says the same; bytes are read as text."""
    kind = column.type
    if isinstance(kind, pa.UuidType):
        return _texts(column)
    if isinstance(kind, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        return plain_column(pa.chunked_array(chunks, kind.storage_type))
    if pa.types.is_dictionary(kind):
        return plain_column(column.cast(kind.value_type))
    if pa.types.is_run_end_encoded(kind):
        chunks = [pc.run_end_decode(chunk) for chunk in column.chunks]
        return plain_column(pa.chunked_array(chunks, kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return plain_column(column.cast(pa.string()))
    if any(is_kind(kind) for is_kind in BINARY) or (pa.types.is_string(kind) and not _is_valid(column)):
        return _texts(column.cast(pa.binary()))
    return column.cast(pa.float32()) if pa.types.is_float16(kind) else column


def plain_values(column: pa.ChunkedArray | pa.Array) -> list[Any]:
    """Python values; times as text, None where Arrow has no Python form for a value."""
    if pa.types.is_temporal(column.type) and not pa.types.is_interval(column.type):
        column = column.cast(pa.string())
    try:
        values: list[Any] = column.to_pylist()
    except UNPRINTABLE:
        return [_value(scalar) for scalar in column]
    return values


def _value(scalar: pa.Scalar) -> Any:
    try:
        return scalar.as_py()
    except UNPRINTABLE:
        return None


def _texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [decode(value) if isinstance(value, bytes) else value for value in column.to_pylist()]
    return pa.chunked_array([pa.array([None if t is None else str(t) for t in texts], pa.string())])


def _is_valid(column: pa.ChunkedArray) -> bool:
    try:
        column.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
