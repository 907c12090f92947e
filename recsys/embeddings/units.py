"""One file of finished embeddings, and what makes it usable."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from recsys.errors import SchemaError, UnreadableFileError
from recsys.schemas import UNREADABLE, text_embeddings

HASH_CHARS = 32
HASH_DTYPE = np.dtype(f"S{HASH_CHARS}")


def unit_files(folder: Path) -> list[Path]:
    """The finished units of a folder by name; temporary files and an absent folder do not count."""
    return sorted(file for file in folder.glob("*.parquet") if not file.name.startswith("."))


def read_unit(file: Path, encoder_version: str, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes `[n] S32` and vectors `[n, dim] float32` of one unit, checked.

    Raises `UnreadableFileError` unless the file is whole, finite and of this encoder and width.
    """
    try:
        table = pq.read_table(file, partitioning=None, page_checksum_verification=True)
        table = table.select(text_embeddings(dim).names).cast(text_embeddings(dim))
        hashes = hash_array(table.column("text_hash").to_pylist())
    except (*UNREADABLE, SchemaError) as error:
        raise UnreadableFileError(
            "an embedding unit cannot be read", found=str(error)[:200], where=file.name
        ) from error
    versions = set(table.column("encoder_version").unique().to_pylist())
    if not versions <= {encoder_version}:
        raise UnreadableFileError(
            "an embedding unit is of another encoder",
            expected=encoder_version,
            found=str(versions),
            where=file.name,
        )
    vectors = (
        table.column("embedding").combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, dim)
    )
    if len(vectors) != len(table) or not np.isfinite(vectors).all():
        raise UnreadableFileError("an embedding unit has NaN, infinity or nulls", where=file.name)
    return hashes, vectors


def hash_array(hashes: Iterable[str | None]) -> np.ndarray:
    """Text hashes as `[N] S32`. Raises `SchemaError` on null, longer or non-ASCII ones."""
    values = list(hashes)
    bad = next((v for v in values if not isinstance(v, str) or len(v) > HASH_CHARS or not v.isascii()), "")
    if bad != "":
        raise SchemaError("not a text hash", expected=f"{HASH_CHARS} hex digits", found=repr(bad)[:60])
    return np.array(values, dtype=HASH_DTYPE)


def find_sorted(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions `[N] int64` of `wanted` in ascending `keys`, and `[N] bool` whether each is there."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    positions = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return positions, keys[positions] == wanted
