"""Writes the files of one shard, and compresses its rows when they are all there."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import IO, Any

import faiss
import numpy as np
import pyarrow as pa

from recsys.blend.links import ModelLinks
from recsys.config import IndexConfig, ScanKind
from recsys.index.files import sha256_of
from recsys.index.manifest import ShardFile, ShardScan, codes_path, items_path, links_path, vectors_path
from recsys.index.storage_loss import StorageLoss
from recsys.scan import Rows
from recsys.scan.calibration import calibrate
from recsys.scan.vectors import map_vectors, stored_dtype, to_stored
from recsys.schemas import ITEMS, LINKS

STORED = pa.schema([field for field in ITEMS if field.name != "description"])
"""Columns of an items file: what filters, reasons and answers need."""
HEADER_BYTES = 256


class ShardWriter:
    """Items, vectors, links and codes of one shard."""

    def __init__(self, folder: Path, shard: int, config: IndexConfig, dim: int) -> None:
        self._folder, self._dim, self._config = folder, dim, config
        place = (shard, config.num_shards)
        self._names = items_path(*place), vectors_path(*place)
        self._links_name, self._codes_name, self._ids = links_path(*place), codes_path(*place), list[str]()
        self._items_file: IO[bytes] = (folder / self._names[0]).open("wb")
        self._vectors_file: IO[bytes] = (folder / self._names[1]).open("wb")
        self._items = pa.ipc.new_file(self._items_file, STORED)
        self._vectors_file.write(b" " * HEADER_BYTES)
        self._loss = StorageLoss(config.storage, config.metric)
        self.rows = 0

    def add(self, items: pa.Table, vectors: np.ndarray) -> None:
        """Append items with vectors `[n, D] float32`."""
        self._items.write_table(items.cast(STORED))
        self._ids += items.column("item_id").to_pylist()
        self._vectors_file.write(to_stored(vectors, self._config.storage).tobytes())
        self._loss.see(vectors)
        self.rows += len(vectors)

    def finish(self, links: ModelLinks) -> list[ShardFile]:
        """Write what is left and close; the items, vectors and links files."""
        self._items.close()
        self._vectors_file.seek(0)
        self._vectors_file.write(self._header())
        for file in (self._items_file, self._vectors_file):
            flush_to_disk(file)
            file.close()
        with (self._folder / self._links_name).open("wb") as file:
            with pa.ipc.new_file(file, LINKS) as writer:
                writer.write_table(links.of_rows(self._ids))
            flush_to_disk(file)
        return [described(self._folder / name, self.rows) for name in (*self._names, self._links_name)]

    def compress(self) -> ShardScan:
        """Compress the finished rows where asked for and worth it, and measure what it costs."""
        exact = ShardScan(kind=ScanKind.EXACT, recall=1.0, storage_recall=self._loss.recall())
        if not self._is_compressed():
            return exact
        vectors = map_vectors(self._folder / self._names[1])
        made = calibrate(Rows(vectors, self._config.metric), self._config.recall_floor)
        if made.scan is None:
            return exact.model_copy(update={"recall": made.recall})
        path = self._folder / self._codes_name
        faiss.write_index(made.scan.codes, str(path))
        with path.open("rb") as file:
            os.fsync(file.fileno())
        found = {"recall": made.recall, "rerank": made.scan.rerank, "file": described(path, self.rows)}
        return exact.model_copy(update={"kind": ScanKind.COMPRESSED, **found})

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._items_file, self._vectors_file):
            file.close()

    def _header(self) -> bytes:
        return npy_header(self.rows, self._dim, stored_dtype(self._config.storage, self._dim))

    def _is_compressed(self) -> bool:
        if self._config.scan is ScanKind.AUTO:
            return self.rows >= self._config.min_compressed_rows
        return self._config.scan is ScanKind.COMPRESSED


def flush_to_disk(file: IO[bytes]) -> None:
    """What was written survives a power cut."""
    file.flush()
    os.fsync(file.fileno())


def described(path: Path, rows: int) -> ShardFile:
    """A finished file as the manifest names it."""
    return ShardFile(path=path.name, rows=rows, bytes=path.stat().st_size, sha256=sha256_of(path))


def npy_header(rows: int, dim: int, dtype: np.dtype[Any]) -> bytes:
    """Header of a version 1 `.npy` file of `rows` vectors of a stored type, `HEADER_BYTES` long.

    NumPy writes headers before the number of rows is known to a stream; a fixed size lets it be
    filled in at the end.
    """
    shape = (rows,) if dtype.names else (rows, dim)
    fields = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    padded = repr(fields).encode().ljust(HEADER_BYTES - 11) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded
