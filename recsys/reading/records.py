"""What readers give: batches of raw rows, and faults for what they could not read."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from recsys.reading.rows import table_of_rows

MAX_BATCH_CHARS = 64 << 20
"""A batch ends here even when it has few rows, so that long records do not add up."""


@dataclass(frozen=True)
class Fault:
    """Something a reader could not read."""

    reason: str
    """A stable word."""
    detail: str
    row: int | None = None
    """1-based row in the file; None for the whole file."""
    raw: str | None = None
    """What stood there, cut by whoever writes it down."""


@dataclass(frozen=True)
class SourceBatch:
    """Rows of one file as they stand there, with the file's columns and types."""

    table: pa.Table
    rows: tuple[int, ...]
    """1-based row number in the file of each row."""
    bytes_done: int = 0
    """How far the file is read."""
    has_header: bool = False
    """Whether every batch of the file has these columns, and no others."""


Reading = Generator[SourceBatch | Fault, None, None]


class RowBuffer:
    """Collects parsed rows until a batch is full, by rows or by size."""

    def __init__(self, batch_rows: int) -> None:
        self._batch_rows, self._size = batch_rows, 0
        self._rows: list[dict[str, Any]] = []
        self._numbers: list[int] = []

    def add(self, number: int, row: dict[str, Any], size: int) -> None:
        """Add a row of `size` characters with its number in the file."""
        self._size += size
        self._rows.append(row)
        self._numbers.append(number)

    @property
    def is_full(self) -> bool:
        """Whether it is time to flush."""
        return len(self._rows) >= self._batch_rows or self._size >= MAX_BATCH_CHARS

    def flush(self, bytes_done: int, columns: Sequence[str] = ()) -> Iterator[SourceBatch]:
        """The rows collected so far as one batch; nothing when there are none."""
        if self._rows:
            table = table_of_rows(self._rows, columns)
            yield SourceBatch(table, tuple(self._numbers), bytes_done, has_header=bool(columns))
            self._rows, self._numbers, self._size = [], [], 0
