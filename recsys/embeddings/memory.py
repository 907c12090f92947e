"""What an embedding run remembers of unit files, so that the next one reads only those that changed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.embeddings.units import HASH_CHARS, HASH_DTYPE, read_unit, unit_files
from recsys.errors import UnreadableFileError
from recsys.schemas import UNREADABLE
from recsys.workspace import replace_file

UNITS, CATALOG = ".units", ".catalog"
"""Names begin with a dot, so that neither is taken for a unit."""
SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("mtime_ns", pa.int64(), nullable=False),
        pa.field("dim", pa.int64(), nullable=False),
        pa.field("hashes", pa.large_binary(), nullable=False),
    ]
)
Mark = tuple[str, int, int, int]
"""Name, size, time of the last change, and width."""


def known_hashes(folder: Path, dim: int) -> tuple[np.ndarray, tuple[Path, ...]]:
    """Hashes of every usable unit, `[N] S32` ascending and distinct, and the files that are not usable.

    A unit that is new, or whose size or time of change is not what was remembered, is checked as fully
    as a reader of the vectors would; the others were, and are not opened. Vectors that rot on the disk
    without a change of the file are found when an index is built, which then calls `forget`.
    """
    remembered = _recall(folder)
    marks: dict[Mark, np.ndarray] = {}
    broken: list[Path] = []
    for file in unit_files(folder):
        mark = _mark(file, dim)
        try:
            marks[mark] = remembered[mark] if mark in remembered else read_unit(file, folder.name, dim)[0]
        except UnreadableFileError:
            broken.append(file)
    if marks.keys() != remembered.keys():
        _remember(folder, marks)
    return np.unique(np.concatenate([np.empty(0, dtype=HASH_DTYPE), *marks.values()])), tuple(broken)


def forget(folder: Path) -> None:
    """Let the next run read every unit and the whole catalog again."""
    for name in (UNITS, CATALOG):
        with suppress(FileNotFoundError):
            (folder / name).unlink()


def write_checked(table: pa.Table, file: Path) -> None:
    """Put a table at `file`, whole or not at all, with checksums of its pages."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", write_page_checksum=True, use_dictionary=False)
    replace_file(file, bytes(sink.getvalue()))


def read_checked(file: Path, schema: pa.Schema) -> pa.Table | None:
    """The table at `file`; None when it is absent, broken or of another schema."""
    try:
        table = pq.read_table(file, partitioning=None, page_checksum_verification=True)
    except UNREADABLE:
        return None
    return table if table.schema.equals(schema) else None


def _mark(file: Path, dim: int) -> Mark:
    facts = file.stat()
    return file.name, facts.st_size, facts.st_mtime_ns, dim


def _recall(folder: Path) -> dict[Mark, np.ndarray]:
    table = read_checked(folder / UNITS, SCHEMA)
    if table is None:
        return {}
    return {
        (row["file"], row["size"], row["mtime_ns"], row["dim"]): np.frombuffer(row["hashes"], HASH_DTYPE)
        for row in table.to_pylist()
        if len(row["hashes"]) % HASH_CHARS == 0
    }


def _remember(folder: Path, marks: dict[Mark, np.ndarray]) -> None:
    rows = [dict(zip(SCHEMA.names, (*mark, hashes.tobytes()), strict=True)) for mark, hashes in marks.items()]
    write_checked(pa.Table.from_pylist(rows, schema=SCHEMA), folder / UNITS)
