"""Items between Arrow tables and database rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Row

from recsys.schemas import ITEMS, TIMESTAMP

Fields = dict[str, Any]
TIMES = ("created_at", "updated_at")


def rows_of(items: pa.Table) -> list[Fields]:
    """`ITEMS` as database rows with their content hash."""
    columns = {name: items.column(name) for name in ITEMS.names}
    for name in TIMES:
        columns[name] = columns[name].cast(pa.int64())
    columns["attributes"] = pa.chunked_array([[_json(value) for value in columns["attributes"].to_pylist()]])
    if items.num_rows == 0:
        return []
    lists = [column.to_pylist() for column in columns.values()]
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*lists, strict=True)]
    for row in rows:
        row["content_hash"] = content_hash(row)
    return rows


def table_of(rows: Sequence[Row[Any]]) -> pa.Table:
    """Database rows with the columns of `ITEMS` as an `ITEMS` table."""
    arrays = []
    for field in ITEMS:
        values: Iterable[Any] = [getattr(row, field.name) for row in rows]
        if field.name == "attributes":
            values = [None if text is None else list(json.loads(text).items()) for text in values]
        if field.name in TIMES:
            arrays.append(pc.cast(pa.array(values, pa.int64()), TIMESTAMP))
        else:
            arrays.append(pa.array(values, field.type))
    return pa.Table.from_arrays(arrays, schema=ITEMS)


def content_hash(row: Mapping[str, Any]) -> str:
    """Digest of everything an item says, apart from when it was touched."""
    said = [row[name] for name in ITEMS.names if name != "updated_at"]
    return blake2b(
        json.dumps(said, ensure_ascii=False).encode("utf-8", "replace"), digest_size=16
    ).hexdigest()


def is_older(new: Mapping[str, Any], old_updated_at: int | None) -> bool:
    """Whether a row must give way to the one that is there: only a smaller `updated_at` says so."""
    return new["updated_at"] is not None and old_updated_at is not None and new["updated_at"] < old_updated_at


def _json(attributes: list[tuple[str, str]] | None) -> str | None:
    return None if attributes is None else json.dumps(dict(attributes), sort_keys=True, ensure_ascii=False)
