"""Writes the two files of one shard as a stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa

from recsys.index.files import sha256_of
from recsys.index.manifest import ShardFile, items_path, vectors_path
from recsys.schemas import ITEMS

STORED = pa.schema(
    [*(field for field in ITEMS if field.name != "description"), pa.field("text_hash", pa.string(), False)]
)
"""Columns of an items file: what filters, reasons and answers need, and which text was embedded."""


class ShardWriter:
    """Appends batches; the number of rows is filled in at the end."""

    def __init__(self, folder: Path, shard: int, num_shards: int, dim: int) -> None:
        self._folder, self._dim = folder, dim
        self._names = items_path(shard, num_shards), vectors_path(shard, num_shards)
        self._items_file: IO[bytes] = (folder / self._names[0]).open("wb")
        self._vectors_file: IO[bytes] = (folder / self._names[1]).open("wb")
        self._items = pa.ipc.new_file(self._items_file, STORED)
        self._write_header(0)
        self.rows = 0

    def add(self, items: pa.Table, vectors: np.ndarray) -> None:
        """Append items (columns of `STORED`) and their vectors `[n, D]`."""
        self._items.write_table(items.select(STORED.names).cast(STORED).combine_chunks())
        self._vectors_file.write(np.ascontiguousarray(vectors, np.float32).tobytes())
        self.rows += len(vectors)

    def finish(self) -> list[ShardFile]:
        """Make both files durable; what the manifest says of them."""
        self._items.close()
        self._vectors_file.seek(0)
        self._write_header(self.rows)
        for file in (self._items_file, self._vectors_file):
            file.flush()
            os.fsync(file.fileno())
            file.close()
        paths = [self._folder / name for name in self._names]
        return [
            ShardFile(path=p.name, rows=self.rows, bytes=p.stat().st_size, sha256=sha256_of(p)) for p in paths
        ]

    def close(self) -> None:
        """Let go of the files, finished or not."""
        for file in (self._items_file, self._vectors_file):
            file.close()

    def _write_header(self, rows: int) -> None:
        # NumPy leaves room in a header for more rows, so that it has one size for any number of them.
        header = {"descr": "<f4", "fortran_order": False, "shape": (rows, self._dim)}
        np.lib.format.write_array_header_1_0(self._vectors_file, header)
