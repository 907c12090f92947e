"""The file of refused rows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recsys.reading import Fault
from recsys.schemas import QUARANTINE

MAX_RAW_CHARS = 2_000
GROUP_ROWS = 5_000
"""Rows held until they are written together: a row group for each would outgrow the rows."""


class QuarantineFile:
    """Refused rows of one import, streamed; replaced as a whole, absent when there are none."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._begun = path.with_name(f".{path.name}.begun")
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0

    def __enter__(self) -> QuarantineFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write()
        if self._writer is not None:
            self._writer.close()
        if kind is not None:
            self._begun.unlink(missing_ok=True)
        elif self._writer is None:
            self.path.unlink(missing_ok=True)
        else:
            self._begun.replace(self.path)

    def add(self, rows: pa.Table) -> None:
        """Add rows (`QUARANTINE`)."""
        self.rows += rows.num_rows
        self._num_waiting += rows.num_rows
        self._waiting += [rows] if rows.num_rows else []
        if self._num_waiting >= GROUP_ROWS:
            self._write()

    def _write(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._begun, QUARANTINE)
        self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting, self._num_waiting = [], 0


def fault_row(file: str, fault: Fault) -> pa.Table:
    """What a reader could not read as a `QUARANTINE` row."""
    raw = fault.raw[:MAX_RAW_CHARS] if fault.raw is not None else None
    row = {"file": file, "row": fault.row, "reason": fault.reason, "detail": fault.detail, "raw": raw}
    return pa.Table.from_pylist([row], schema=QUARANTINE)
