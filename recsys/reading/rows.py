"""Loose rows (JSON objects) as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa


def table_of_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> pa.Table:
    """Rows with any fields as a table with the union of their columns; absent fields are null.

    A column whose values do not share one type becomes text: strings as they are, the rest as
    JSON. Lone surrogates, which JSON can smuggle in, become U+FFFD.
    """
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    if not names:
        # A table cannot have rows without columns; the cleaner will name what is missing.
        return pa.table({"item_id": pa.nulls(len(rows), pa.string())})
    arrays = [_array([row.get(name) for row in rows]) for name in names]
    return pa.Table.from_arrays(arrays, names=[_sound(name) for name in names])


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, UnicodeError):
        return pa.array([_text(value) for value in values], pa.string())
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _text(value: Any) -> str | None:
    if value is None or value != value:
        return None
    if isinstance(value, str):
        return _sound(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # among texts 123.0 is the id 123, as it is among numbers
    return _sound(json.dumps(value, ensure_ascii=False, default=str))


def _sound(text: str) -> str:
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
