"""Rows that a cleaner refused, in the form in which they are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa

from recsys.columns.cells import Faults
from recsys.columns.raw import plain_values
from recsys.schemas import QUARANTINE

MAX_RAW_CHARS = 2_000


def quarantine_rows(table: pa.Table, faults: Faults, file: str, numbers: Sequence[int]) -> pa.Table:
    """One `QUARANTINE` row for each fault; `numbers` are the rows' places in the file."""
    rows = sorted(faults)
    taken = table.take(pa.array(rows, pa.int64()))
    columns = [plain_values(column) for column in taken.columns]
    raw = [dict(zip(table.column_names, values, strict=True)) for values in zip(*columns, strict=True)]
    return pa.table(
        {
            "file": [file] * len(rows),
            "row": [numbers[row] for row in rows],
            "reason": [faults[row][0] for row in rows],
            "detail": [faults[row][1] for row in rows],
            "raw": [json.dumps(values, default=str, ensure_ascii=False)[:MAX_RAW_CHARS] for values in raw],
        },
        schema=QUARANTINE,
    )
