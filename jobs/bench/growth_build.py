"""Index versions of synthetic items at any size, with the time of each stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from jobs.bench.measure import seconds
from jobs.bench.shop_items import shop_items
from recsys.config import IndexConfig
from recsys.index import IndexManifest, IndexWriter, Signal, publish
from recsys.index.writer import Provenance
from recsys.text import TEXT_TEMPLATE_VERSION
from recsys.workspace import Workspace

BATCH_ROWS = 5_000
ENCODER_VERSION = "synthetic"


@dataclass(frozen=True)
class Built:
    """One published version and what it took."""

    workspace: Workspace
    manifest: IndexManifest
    write_s: float
    """Sorting items into shards and writing them."""
    compress_s: float
    """Compressing the shards, measuring their recall, digests."""
    publish_s: float
    """Reading everything back and checking it, then the pointer."""

    @property
    def bytes(self) -> int:
        """Size of all files."""
        codes = sum(scan.file.bytes for scan in self.manifest.scans if scan.file)
        return sum(file.bytes for file in self.manifest.files) + codes


def build(root: Path, vectors: np.ndarray, num_shards: int) -> Built:
    """A version of items with these vectors `[N, D] float32` in a workspace at `root`, published.

    Items are the built-in shop's, repeated under other ids; there is no database and nothing is embedded.
    """
    workspace = Workspace(root).create()
    config = IndexConfig(num_shards=num_shards)
    rows = shop_items(np.random.default_rng(0), BATCH_ROWS)
    with IndexWriter(workspace, vectors.shape[1], config) as writer:
        write_s = seconds(lambda: _write(writer, rows, vectors))
        text = Signal(name="text", width=vectors.shape[1], weight=1.0)
        made: list[IndexManifest] = []
        provenance = Provenance(ENCODER_VERSION, TEXT_TEMPLATE_VERSION, (text,), len(vectors))
        compress_s = seconds(lambda: made.append(writer.close(provenance)))
    publish_s = seconds(lambda: publish(workspace, made[0].index_version, keep=2))
    return Built(workspace, made[0], write_s, compress_s, publish_s)


def _write(writer: IndexWriter, rows: pa.Table, vectors: np.ndarray) -> None:
    for start in range(0, len(vectors), BATCH_ROWS):
        part = vectors[start : start + BATCH_ROWS]
        ids = pa.array([f"item-{number:09d}" for number in range(start, start + len(part))])
        writer.add(rows.slice(0, len(part)).set_column(0, rows.schema.field("item_id"), ids), part)
