"""Ids that cross every border of the product: which are accepted, and which shard owns one."""

from __future__ import annotations

import unicodedata
from hashlib import blake2b

MAX_ID_BYTES = 256
SHARD_HASH = "blake2b-64"
"""Name of the digest behind `shard_of`; written into every index manifest."""


def id_fault(value: object) -> str | None:
    """Why `value` cannot be an id, as a quarantine reason, or None when it can.

    An id is a non-empty string of at most `MAX_ID_BYTES` bytes of UTF-8 without control
    characters, surrogates, the mark of a broken character (U+FFFD), or space at either end.
    """
    if not isinstance(value, str) or not value:
        return "missing_id"
    if len(value.encode("utf-8", "surrogatepass")) > MAX_ID_BYTES:
        return "id_too_long"
    if value != value.strip() or any(unicodedata.category(c) in ("Cc", "Cs") or c == "\ufffd" for c in value):
        return "id_bad_character"
    return None


def shard_of(item_id: str, num_shards: int) -> int:
    """The shard in [0, num_shards) that owns `item_id`; stable across processes and releases."""
    digest = blake2b(item_id.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % num_shards
