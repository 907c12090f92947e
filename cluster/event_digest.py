"""A digest of every stored event, so that a row the disk changed is seen when it is read.

SQLite's pages carry no checksum: a flipped bit in a row would be answered as if a shopper had done it.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

DIGESTED = (
    "seq",
    "event_id",
    "user_key",
    "user_id",
    "visitor_id",
    "session_id",
    "item_id",
    "event_type",
    "value",
    "review_text",
    "recommendation_id",
    "position",
    "occurred_at",
    "received_at",
)
"""Columns of the canonical encoding, in its order; another column needs another encoding."""
SIGNED = struct.Struct(">q")
LARGEST = sys.float_info.max
VALUE, WIDTH, DIGEST_BYTES = DIGESTED.index("value"), len(DIGESTED), 8


def event_digest(row: Sequence[Any]) -> int:
    """BLAKE2b of the row's values (in the order of `DIGESTED`) as a JSON list, a signed 64-bit number.

    -0.0 counts as 0.0 and NaN as null, as SQLite keeps them. Raises `TypeError` for what is no text, number
    or null, such as a text that is no UTF-8.
    """
    value = row[VALUE]
    if value is not None and (value == 0 or not -LARGEST <= value <= LARGEST):
        row = (*row[:VALUE], _said(value), *row[VALUE + 1 : WIDTH])
    (digest,) = SIGNED.unpack(blake2b(orjson.dumps(row), digest_size=DIGEST_BYTES).digest())
    return int(digest)


def _said(value: float) -> float | str | None:
    """What JSON has no words for, and the two zeros."""
    if value == 0 or value != value:
        return None if value else 0.0
    return f"{value:+}"


def digest_of(row: Mapping[str, Any]) -> int:
    """The digest of a row by column name; whoever changes a stored event writes it with the change."""
    return event_digest(tuple(row[name] for name in DIGESTED))


def fault_of(row: Sequence[Any]) -> str | None:
    """What is wrong with a row of `DIGESTED` and its digest; None: it is as it was written."""
    try:
        same = event_digest(row[:WIDTH]) == row[WIDTH]
    except TypeError:
        return "a value is of another type, or no UTF-8"
    return None if same else "the digest is another"
