"""Parquet files, one row group at a time."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recsys.config import ImportConfig
from recsys.reading.records import Fault, Reading, SourceBatch

BROKEN = (OSError, pa.ArrowException, ValueError)


def read_parquet(path: Path, config: ImportConfig) -> Reading:
    """Rows with the file's own types; extension types as the plain values they store.

    Faults: `unreadable_file` for a broken footer, `unreadable_rows` for a row group with a bad
    page; the groups beside it are read.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
    except BROKEN as error:
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
            yield SourceBatch(_plain(table), numbers, bytes_done)
    except BROKEN as error:
        yield Fault("unreadable_rows", f"row group {group} from this row on; {error}"[:300], start)


def _plain(table: pa.Table) -> pa.Table:
    columns = [
        pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
        if isinstance(column.type, pa.ExtensionType)
        else column
        for column in table.columns
    ]
    return pa.Table.from_arrays(columns, names=table.column_names)
