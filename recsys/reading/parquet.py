"""Parquet files, one row group at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recsys.config import ImportConfig
from recsys.reading.records import Fault, Reading, SourceBatch
from recsys.schemas import UNREADABLE

PAGE_BYTES = 1 << 20


def read_parquet(path: Path, config: ImportConfig) -> Reading:
    """Rows with the file's own types.

    Faults: `unreadable_file` for a broken footer, `unreadable_rows` for a row group with a bad
    page; the groups beside it are read.
    """
    try:
        # Unbuffered, a whole row group would be held; this way a page of each column is.
        file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False, buffer_size=PAGE_BYTES)
    except UNREADABLE as error:
        yield Fault("unreadable_file", f"expected Parquet; {error}"[:300])
        return
    with file:
        size, first = path.stat().st_size, 1
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            done = size * (group + 1) // file.num_row_groups
            yield from _read_group(file, group, first, done, config.batch_rows)
            first += rows


def _read_group(file: pq.ParquetFile, group: int, first: int, bytes_done: int, batch_rows: int) -> Reading:
    start = first
    try:
        for batch in file.iter_batches(batch_size=batch_rows, row_groups=[group]):
            table = pa.Table.from_batches([batch])
            numbers = tuple(range(start, start + table.num_rows))
            start += table.num_rows
            yield SourceBatch(table, numbers, bytes_done, has_header=True)
    except UNREADABLE as error:
        yield Fault("unreadable_rows", f"row group {group} from row {start} on; {error}"[:300])
