"""The texts that still need an embedding, on disk in units of work of similar length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from recsys.embeddings import find_sorted, hash_array
from recsys.text import item_texts

BUCKET_CHARS = 64
NUM_BUCKETS = 48
"""Texts of `BUCKET_CHARS * NUM_BUCKETS` characters and more share the last bucket."""
TEXT_OF_ITEM = pa.schema([pa.field("item_id", pa.string()), pa.field("text_hash", pa.string())])
UNIT_INPUT = pa.schema([pa.field("text_hash", pa.string()), pa.field("text", pa.string())])


@dataclass(frozen=True)
class Unit:
    """One file of texts to embed; its name is a digest of its text hashes."""

    file: Path
    num_texts: int
    num_chars: int


@dataclass
class Export:
    """What the catalog holds, and the units written for what is new in it."""

    items: int = 0
    distinct_texts: int = 0
    units: list[Unit] = field(default_factory=list)
    rows: pa.Table = field(default_factory=TEXT_OF_ITEM.empty_table)
    """`TEXT_OF_ITEM`: which text each of the items has."""

    @property
    def pending(self) -> int:
        """Texts in all units."""
        return sum(unit.num_texts for unit in self.units)


def export_pending(batches: Iterable[pa.Table], done: np.ndarray, folder: Path, unit_texts: int) -> Export:
    """Write the distinct texts of `ITEMS` batches whose hash is not in `done` (`[N] S32` ascending).

    Reads the items once; in memory are 16 bytes (as Python counts, about 90) a distinct text, id and
    hash of every item, and at most `NUM_BUCKETS` unfinished units. Units come longest texts first.
    `folder` is made when there is something to write.
    """
    export, buckets, seen = Export(), _Buckets(folder, unit_texts), set[bytes]()
    rows = [TEXT_OF_ITEM.empty_table()]
    for batch in batches:
        texts = item_texts(batch)
        rows.append(texts.select(TEXT_OF_ITEM.names).cast(TEXT_OF_ITEM))
        export.items += len(texts)
        hashes = hash_array(texts.column("text_hash").to_pylist())
        known = find_sorted(done, hashes)[1]
        for text_hash, text, old in zip(
            hashes.tolist(), texts.column("text").to_pylist(), known, strict=True
        ):
            digest = bytes.fromhex(text_hash.decode())
            if digest not in seen:
                seen.add(digest)
                if not old:
                    buckets.add(text_hash.decode(), text)
    export.distinct_texts, export.rows = len(seen), pa.concat_tables(rows)
    export.units = sorted(
        buckets.finish(), key=lambda unit: (-unit.num_chars / unit.num_texts, unit.file.name)
    )
    return export


class _Buckets:
    """Rows sorted into lengths; a bucket becomes a unit when it is full."""

    def __init__(self, folder: Path, unit_texts: int) -> None:
        self._folder, self._unit_texts = folder, unit_texts
        self._rows: list[list[tuple[str, str]]] = [[] for _ in range(NUM_BUCKETS)]
        self._units: list[Unit] = []

    def add(self, text_hash: str, text: str) -> None:
        bucket = self._rows[min(len(text) // BUCKET_CHARS, NUM_BUCKETS - 1)]
        bucket.append((text_hash, text))
        if len(bucket) == self._unit_texts:
            self._write(bucket)
            bucket.clear()

    def finish(self) -> list[Unit]:
        """All units; what is left in the buckets is joined across neighbouring lengths."""
        left = [row for bucket in self._rows for row in bucket]
        for start in range(0, len(left), self._unit_texts):
            self._write(left[start : start + self._unit_texts])
        return self._units

    def _write(self, rows: list[tuple[str, str]]) -> None:
        self._units.append(write_unit(self._folder, rows))


def write_unit(folder: Path, rows: Sequence[tuple[str, str]]) -> Unit:
    """One unit of (hash, what is to be encoded) in `folder`, which is made when it is not there."""
    hashes, texts = zip(*rows, strict=True)
    name = blake2b("".join(sorted(hashes)).encode(), digest_size=8).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"unit-{name}.parquet"
    pq.write_table(pa.table([pa.array(hashes), pa.array(texts)], schema=UNIT_INPUT), file, compression="zstd")
    return Unit(file, len(rows), sum(map(len, texts)))
