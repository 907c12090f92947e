"""A table of the shop's own vectors (sound, scent, anything), checked row by row, becomes a channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.catalog.fields import ALIASES
from recsys.columns.cells import CellRefusedError
from recsys.columns.ids import id_text
from recsys.errors import InputError, UnreadableFileError
from recsys.schemas import QUARANTINE, UNREADABLE, text_embeddings

VECTOR_NAMES = ("embedding", "vector", "vectors")
BATCH_ROWS = 8_192
MAX_WIDTH = 8_192


@dataclass
class OwnVectors:
    """What a file came to."""

    dim: int
    rows: int = 0
    hashes: dict[str, str] = field(default_factory=dict)
    """Item -> digest of its vector."""
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    """Digest -> `[W] float32`, unit length."""
    faults: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Row, reason, detail, id."""

    @property
    def quarantined(self) -> dict[str, int]:
        """Refused rows by reason."""
        return dict(sorted(Counter(reason for _, reason, _, _ in self.faults).items()))

    def unit(self, version: str) -> pa.Table:
        """The distinct vectors as one finished unit."""
        digests = sorted(self.vectors)
        flat = np.concatenate([np.empty(0, np.float32), *(self.vectors[digest] for digest in digests)])
        columns = [
            pa.array(digests, pa.string()),
            pa.FixedSizeListArray.from_arrays(pa.array(flat), self.dim),
            pa.array([version] * len(digests), pa.string()),
        ]
        return pa.Table.from_arrays(columns, schema=text_embeddings(self.dim))

    def quarantine(self, file: Path) -> pa.Table:
        """Refused rows (`QUARANTINE`)."""
        rows = [
            {"file": str(file), "row": row, "reason": reason, "detail": detail, "raw": item_id}
            for row, reason, detail, item_id in sorted(self.faults)
        ]
        return pa.Table.from_pylist(rows, schema=QUARANTINE)


def read_own_vectors(file: Path, is_known: Callable[[list[str]], set[str]]) -> OwnVectors:
    """The good rows of a Parquet file with an id column and a column of lists of numbers of one width.

    Refused, each row by itself: `missing_id`, `unknown_item` (not among `is_known`), `wrong_width`,
    `not_finite`, `zero_vector`, and `conflicting_rows` for all rows of an item that has several vectors, so
    that the order of rows decides nothing. The width is that of the column's type, else of most rows.
    Vectors are brought to unit length. Raises `UnreadableFileError`, `InputError` for absent columns.
    """
    try:
        parquet = pq.ParquetFile(file, page_checksum_verification=True)
        id_name, vector_name = _columns(parquet.schema_arrow, file)
        found = OwnVectors(_width(parquet, vector_name))
        conflicts: set[str] = set()
        for table in _batches(parquet, id_name, vector_name):
            ids = [_id(value) for value in table.column(0).to_pylist()]
            known = is_known([item_id for item_id in ids if item_id])
            rows = zip(ids, table.column(1).to_pylist(), strict=True)
            for item_id, values in rows:
                found.rows += 1
                _take(found, item_id, values, known, conflicts)
    except UNREADABLE as error:
        raise UnreadableFileError(
            "a file of vectors cannot be read", expected="a whole Parquet file",
            found=f"{type(error).__name__}: {error}"[:200], where=str(file),
        ) from error  # fmt: skip
    _drop(found, conflicts)
    return found


def _batches(parquet: pq.ParquetFile, *names: str) -> Iterator[pa.Table]:
    for batch in parquet.iter_batches(BATCH_ROWS, columns=list(names)):
        yield pa.Table.from_batches([batch]).select(list(names))


def _take(
    found: OwnVectors, item_id: str, values: list[float] | None, known: set[str], conflicts: set[str]
) -> None:
    fault = _fault(item_id, values, known, found.dim)
    if fault is not None:
        found.faults.append((found.rows, *fault, item_id))
        return
    vector = np.asarray(values, np.float64)
    vector /= np.abs(vector).max()  # first, so that the square of a huge number stays finite
    unit = np.asarray(vector / np.linalg.norm(vector), np.float32)
    digest = blake2b(unit.tobytes(), digest_size=16).hexdigest()
    if found.hashes.setdefault(item_id, digest) != digest:
        conflicts.add(item_id)
        found.faults.append((found.rows, "conflicting_rows", "expected one vector of the item", item_id))
    found.vectors[digest] = unit


def _fault(item_id: str, values: list[float] | None, known: set[str], dim: int) -> tuple[str, str] | None:
    if not item_id:
        return "missing_id", "expected an item id; found none"
    if item_id not in known:
        return "unknown_item", "expected an item of the catalog"
    if values is None or len(values) != dim:
        return "wrong_width", f"expected {dim} numbers; found {0 if values is None else len(values)}"
    numbers = np.array([np.nan if value is None else value for value in values], np.float64)
    if not np.isfinite(numbers).all():
        return "not_finite", "expected finite numbers"
    return None if numbers.any() else ("zero_vector", "expected a direction; found zeros alone")


def _drop(found: OwnVectors, conflicts: set[str]) -> None:
    """Of items with several vectors none is taken."""
    for item_id in conflicts:
        del found.hashes[item_id]
        found.faults.append((0, "conflicting_rows", "expected one vector of the item", item_id))
    used = set(found.hashes.values())
    found.vectors = {digest: vector for digest, vector in found.vectors.items() if digest in used}


def _columns(schema: pa.Schema, file: Path) -> tuple[str, str]:
    ids = [name for name in ("item_id", *ALIASES["item_id"]) if name in schema.names]
    lists = [field.name for field in schema if _is_vector(field.type)]
    named = [name for name in VECTOR_NAMES if name in lists] or (lists if len(lists) == 1 else [])
    if not ids or not named:
        raise InputError(
            "a file of vectors lacks its columns",
            expected="item_id and one column of lists of numbers, such as embedding",
            found=", ".join(schema.names)[:200],
            where=str(file),
        )
    return ids[0], named[0]


def _is_vector(kind: pa.DataType) -> bool:
    lists = pa.types.is_fixed_size_list(kind) or pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(lists and (pa.types.is_floating(kind.value_type) or pa.types.is_integer(kind.value_type)))


def _width(parquet: pq.ParquetFile, name: str) -> int:
    kind = parquet.schema_arrow.field(name).type
    if pa.types.is_fixed_size_list(kind):
        width = int(kind.list_size)
    else:
        counts: Counter[int] = Counter()
        for table in _batches(parquet, name):
            counts.update(len(values) for values in table.column(0).to_pylist() if values is not None)
        width = max(counts, key=lambda size: (counts[size], size), default=0)
    if not 1 <= width <= MAX_WIDTH:
        raise InputError("vectors have no usable width", expected=f"1 to {MAX_WIDTH}", found=str(width))
    return width


def _id(value: object) -> str:
    try:
        return id_text(value)
    except CellRefusedError:
        return ""
