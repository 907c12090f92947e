"""Every Arrow schema of the product, and the one way to bring a table into its shape.

Times are UTC microseconds. Columns an item table has beyond the contract live in `attributes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from recsys.errors import SchemaError

TIMESTAMP = pa.timestamp("us", tz="UTC")
STRING = pa.string()
UNREADABLE = (OSError, pa.ArrowException, ValueError, TypeError, KeyError, AttributeError)
"""What opening an Arrow or Parquet file raises: a library's column types, such as Ray's, read their own
metadata in Python, and a bad file has them raise anything."""

ITEMS = pa.schema(
    [
        pa.field("item_id", STRING, nullable=False),
        pa.field("title", STRING, nullable=False),
        pa.field("description", STRING),
        pa.field("category", STRING),  # a path, '/'-joined from general to special
        pa.field("brand", STRING),
        pa.field("price_minor", pa.int64()),  # in the currency's smallest unit
        pa.field("currency", STRING),  # ISO 4217
        pa.field("image_url", STRING),
        pa.field("available", pa.bool_(), nullable=False),
        pa.field("attributes", pa.map_(STRING, STRING)),
        pa.field("created_at", TIMESTAMP),
        pa.field("updated_at", TIMESTAMP),
    ]
)

EVENTS = pa.schema(
    [
        pa.field("event_id", STRING, nullable=False),  # idempotency key
        pa.field("user_id", STRING),  # one of user_id and visitor_id is set
        pa.field("visitor_id", STRING),
        pa.field("session_id", STRING),
        pa.field("item_id", STRING, nullable=False),
        pa.field("event_type", STRING, nullable=False),
        pa.field("value", pa.float64()),  # stars of a rating, amount of a purchase, share watched of a view
        pa.field("review_text", STRING),
        pa.field("recommendation_id", STRING),
        pa.field("position", pa.int32()),
        pa.field("occurred_at", TIMESTAMP, nullable=False),
        pa.field("received_at", TIMESTAMP, nullable=False),
    ]
)

EVENT_TYPES = (
    "impression",
    "view",
    "click",
    "add_to_cart",
    "remove_from_cart",
    "purchase",
    "rating",
    "review",
    "like",
    "dismiss",
    "return",
)

ITEM_TEXTS = pa.schema(
    [
        pa.field("item_id", STRING, nullable=False),
        pa.field("text", STRING, nullable=False),
        pa.field("text_hash", STRING, nullable=False),
    ]
)

LINKS = pa.schema(
    [
        pa.field("signal", pa.dictionary(pa.int8(), pa.string()), nullable=False),
        pa.field("source", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("value", pa.float32(), nullable=False),
    ]
)
"""A shard's links; `row` is the place of the target in the shard."""

RELATIONS = pa.schema(
    [
        pa.field("relation", STRING, nullable=False),
        pa.field("source", STRING, nullable=False),
        pa.field("target", STRING, nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
    ]
)
"""What a shop states about its items and categories; which side is which: `recsys.relations.kinds`."""

QUARANTINE = pa.schema(
    [
        pa.field("file", STRING, nullable=False),
        pa.field("row", pa.int64()),  # 1-based data row in the file; null: the whole file
        pa.field("reason", STRING, nullable=False),  # a stable word, counted in summaries
        pa.field("detail", STRING, nullable=False),  # what was expected and found
        pa.field("raw", STRING),  # the row as JSON, cut to 2,000 characters
    ]
)


def text_embeddings(dim: int) -> pa.Schema:
    """Schema of one embedding unit: a text's hash, its `[dim] float32` vector, the encoder."""
    return pa.schema(
        [
            pa.field("text_hash", STRING, nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), dim), nullable=False),
            pa.field("encoder_version", STRING, nullable=False),
        ]
    )


@dataclass(frozen=True)
class Cleaned:
    """Rows that kept the contract, and rows that did not with their reasons (`QUARANTINE`)."""

    good: pa.Table
    bad: pa.Table
    mended: Mapping[str, int] = field(default_factory=dict)
    """What was put right in good rows, counted by kind."""


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` with exactly the columns, order and types of `schema`.

    Absent nullable columns are filled with nulls; columns not in `schema` are dropped. Raises
    `SchemaError` when a required column is absent or has nulls, or a type does not cast.
    """
    return pa.Table.from_arrays([_column(table, field) for field in schema], schema=schema)


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray:
    if field.name not in table.column_names:
        if not field.nullable:
            raise SchemaError(f"column {field.name!r} is absent", found=", ".join(table.column_names))
        return pa.chunked_array([pa.nulls(table.num_rows, field.type)])
    column = table.column(field.name)
    if not field.nullable and column.null_count:
        raise SchemaError(f"column {field.name!r} has nulls", expected="none", found=str(column.null_count))
    try:
        return column.cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaError(
            f"column {field.name!r} does not cast", expected=str(field.type), found=f"{column.type} ({error})"
        ) from error
