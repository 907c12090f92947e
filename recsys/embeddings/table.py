"""All finished embeddings of one encoder in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.embeddings.units import HASH_CHARS, HASH_DTYPE, find_sorted, hash_array, read_unit, unit_files
from recsys.errors import EncoderError, UnreadableFileError
from recsys.schemas import UNREADABLE


@dataclass(frozen=True)
class EmbeddingTable:
    """Vectors of distinct texts: about 1.6 KB a text at 384 dimensions."""

    dim: int
    """Width D; 0 when there is no unit at all."""
    hashes: np.ndarray
    """`[N] S32`, ascending, distinct."""
    rows: np.ndarray
    """`[N] int64`: the row of `vectors` that belongs to each hash."""
    vectors: np.ndarray
    """`[M, D] float32`, unit rows, M >= N."""
    broken: tuple[Path, ...]
    """Unit files that could not be used."""

    def __len__(self) -> int:
        """Number N of distinct texts."""
        return len(self.hashes)

    def lookup(self, hashes: Iterable[str]) -> np.ndarray:
        """`[N, D] float32` in the order of `hashes`, which may repeat; `[0, D]` for none.

        Raises `EncoderError` when a hash has no embedding.
        """
        wanted = hash_array(hashes)
        positions, found = find_sorted(self.hashes, wanted)
        if not found.all():
            raise EncoderError(
                f"{int((~found).sum())} texts have no embedding",
                expected="every text embedded by this encoder; run the embedding job first",
                found=wanted[~found][0].decode(),
            )
        return np.asarray(self.vectors[self.rows[positions]])

    def missing(self, hashes: Iterable[str]) -> list[str]:
        """Those of `hashes` without an embedding, in the given order, each once."""
        wanted = hash_array(hashes)
        _, found = find_sorted(self.hashes, wanted)
        return list(dict.fromkeys(wanted[~found].astype(f"U{HASH_CHARS}").tolist()))


def read_embeddings(folder: Path, *, dim: int | None = None) -> EmbeddingTable:
    """All usable units in `folder`, which is named by its encoder version.

    A unit that is unreadable, of another encoder or width, or holds NaN or infinity is left out
    and listed in `.broken`. A text in several units is taken from the first file by name. An
    absent folder gives an empty table. `dim`: the width expected; None takes that of the most rows.
    """
    footers, broken = _read_footers(folder)
    width = dim if dim is not None else _most_rows(footers)
    # Allocated once from the footers: joining units afterwards would need the memory twice.
    vectors = np.empty((sum(unit.rows for unit in footers if unit.dim == width), width), dtype=np.float32)
    hashes = np.empty(len(vectors), dtype=HASH_DTYPE)
    end = 0
    for unit in footers:
        found = _read(unit, folder.name, width)
        if found is None:
            broken.append(unit.file)
            continue
        start, end = end, end + unit.rows
        hashes[start:end], vectors[start:end] = found
    distinct, rows = np.unique(hashes[:end], return_index=True)
    return EmbeddingTable(width, distinct, rows, vectors[:end], tuple(sorted(broken)))


@dataclass(frozen=True)
class _Footer:
    file: Path
    rows: int
    dim: int


def _read(unit: _Footer, encoder_version: str, dim: int) -> tuple[np.ndarray, np.ndarray] | None:
    if unit.dim != dim:
        return None
    try:
        hashes, vectors = read_unit(unit.file, encoder_version, dim)
    except UnreadableFileError:
        return None
    return (hashes, vectors) if len(hashes) == unit.rows else None


def _read_footers(folder: Path) -> tuple[list[_Footer], list[Path]]:
    footers: list[_Footer] = []
    broken: list[Path] = []
    for file in unit_files(folder):
        try:
            metadata = pq.read_metadata(file)
            kind = metadata.schema.to_arrow_schema().field("embedding").type
        except UNREADABLE:
            broken.append(file)
            continue
        footers.append(
            _Footer(file, metadata.num_rows, kind.list_size if pa.types.is_fixed_size_list(kind) else 0)
        )
    return footers, broken


def _most_rows(footers: list[_Footer]) -> int:
    totals: dict[int, int] = {}
    for unit in footers:
        totals[unit.dim] = totals.get(unit.dim, 0) + unit.rows
    return max(totals, key=lambda dim: (totals[dim], dim), default=0)
