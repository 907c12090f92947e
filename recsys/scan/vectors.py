"""Vectors of a shard as they lie in a file: float32, or half or a quarter of its size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from recsys.config import Storage
from recsys.scan.npy_file import load_npy

LEVELS = 127
"""Steps on each side of zero in an int8 row."""


class Vectors:
    """`[N, D]` read as float32 whatever is stored; a memory map stays one."""

    def __init__(self, stored: np.ndarray) -> None:
        """`stored`: `[N, D]` float32 or float16, or `[N]` of `stored_dtype(int8, D)`."""
        self._stored = stored
        self._bytes = stored.dtype.names is not None
        width = stored.dtype["codes"].shape[0] if self._bytes else stored.shape[1]
        self.shape: tuple[int, int] = (len(stored), int(width))

    def __len__(self) -> int:
        """Number N of rows."""
        return self.shape[0]

    def __getitem__(self, rows: slice | np.ndarray | int) -> np.ndarray:
        """Rows as `[n, D] float32`; a view only where float32 is stored and a slice is asked."""
        part = self._stored[rows]
        if self._bytes:
            return np.asarray(part["codes"] * part["scale"][..., None], np.float32)
        return np.asarray(part, np.float32)

    @property
    def plain(self) -> np.ndarray | None:
        """The float32 rows in place, or None when they are stored otherwise."""
        return self._stored if self._stored.dtype == np.float32 else None

    @property
    def storage(self) -> Storage:
        """How the rows are stored."""
        return Storage.INT8 if self._bytes else Storage(self._stored.dtype.name)


def stored_dtype(storage: Storage, dim: int) -> np.dtype[Any]:
    """What one row of a `.npy` file is; int8 rows carry their own scale."""
    if storage is Storage.INT8:
        return np.dtype([("scale", "<f4"), ("codes", "i1", (dim,))])
    return np.dtype("<f2" if storage is Storage.FLOAT16 else "<f4")


def to_stored(vectors: np.ndarray, storage: Storage) -> np.ndarray:
    """`[N, D] float32` as it is written.

    int8 rows are scaled by their own largest entry; float16 keeps what it can hold and cuts the rest.
    """
    dtype = stored_dtype(storage, vectors.shape[1])
    if storage is not Storage.INT8:
        limit = np.finfo(dtype).max
        return np.ascontiguousarray(np.clip(vectors, -limit, limit), dtype)
    rows = np.zeros(len(vectors), dtype)
    rows["scale"] = np.abs(vectors).max(axis=1, initial=0.0) / LEVELS
    scale = np.where(rows["scale"] > 0.0, rows["scale"], 1.0)
    rows["codes"] = np.rint(vectors / scale[:, None])
    return rows


def map_vectors(path: Path) -> Vectors:
    """The vectors of a `.npy` file, memory-mapped; raises `ValueError` for another type."""
    # An empty file region cannot be mapped; an empty shard is read instead.
    stored = load_npy(path, None if path.stat().st_size <= 512 else "r")
    array = np.asarray(stored)
    plain = array.dtype in (np.float32, np.float16) and array.ndim == 2
    if not plain and array.dtype.names != ("scale", "codes"):
        raise ValueError(f"vectors are {array.dtype}, expected float32, float16 or scaled int8")
    return Vectors(array)
