"""Parquet files, one row group at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from recsys.config import ImportConfig
from recsys.reading.records import Fault, Reading, SourceBatch

BROKEN = (Exception,)
"""A column may name an extension type, whose own code then reads what the file says, and raises anything."""
PAGE_BYTES = 1 << 20


def read_parquet(path: Path, config: ImportConfig) -> Reading:
    """Rows with the file's own types.

    Faults: `unreadable_file` for a broken footer, `unreadable_rows` for a row group with a bad
    page, `record_too_long` for a row with a value over `config.max_record_bytes`, and for a group whose
    values unpack to more than that on average, which is not unpacked; the groups beside it are read.
    """
    try:
        # Unbuffered, a whole row group would be held; this way a page of each column is.
        file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False, buffer_size=PAGE_BYTES)
    except BROKEN as error:
        yield Fault("unreadable_file", f"expected Parquet; {error}"[:300])
        return
    with file:
        size, first = path.stat().st_size, 1
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            done = size * (group + 1) // file.num_row_groups
            yield from _read_group(file, group, first, done, config)
            first += rows


def _read_group(
    file: pq.ParquetFile, group: int, first: int, bytes_done: int, config: ImportConfig
) -> Reading:
    start, most = first, config.max_record_bytes
    if (found := _mean_bytes(file.metadata.row_group(group))) > most:
        yield Fault("record_too_long", f"row group {group}; expected values of up to {most} bytes; {found}")
        return
    try:
        for batch in file.iter_batches(batch_size=config.batch_rows, row_groups=[group]):
            table = pa.Table.from_batches([batch])
            numbers = np.arange(start, start + table.num_rows)
            start += table.num_rows
            fits = _fits(table, most)
            for row in numbers[~fits].tolist():
                yield Fault("record_too_long", f"expected values of up to {most} bytes", row)
            table = table if fits.all() else table.filter(pa.array(fits))
            yield SourceBatch(table, tuple(numbers[fits].tolist()), bytes_done, has_header=True)
    except BROKEN as error:
        yield Fault("unreadable_rows", f"row group {group} from row {start} on; {error}"[:300])


def _mean_bytes(group: pq.RowGroupMetaData) -> int:
    """Mean size of a value in the column where it is largest, as the file says."""
    columns = [group.column(number) for number in range(group.num_columns)]
    return max((one.total_uncompressed_size // max(one.num_values, 1) for one in columns), default=0)


def _fits(table: pa.Table, most: int) -> np.ndarray:
    """Which rows have no text over a bound."""
    fits = np.ones(table.num_rows, bool)
    if table.nbytes > most:
        for column in table.columns:
            if _is_text(column.type):
                fits &= pc.fill_null(pc.binary_length(column), 0).to_numpy() <= most
    return fits


def _is_text(kind: pa.DataType) -> bool:
    checks = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(check(kind) for check in checks)
