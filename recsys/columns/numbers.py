"""Numbers of any raw type as float64."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.columns.cells import CellRefusedError, CleanColumn, clean_each, shown


def clean_numbers(column: pa.ChunkedArray, reason: str) -> CleanColumn:
    """Finite numbers as float64; absent and empty ones are null, all else is the fault `reason`.

    NaN in a column of floats is how some tools write an absent number; the text `NaN` is a fault.
    """
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values = column.cast(pa.float64(), safe=False).combine_chunks()
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
        if pc.all(pc.is_finite(values)).as_py() is not False:
            return CleanColumn(values)

    def clean(value: Any) -> float | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        try:
            if isinstance(value, bool):
                raise TypeError
            number = float(value.strip().replace(",", ".") if isinstance(value, str) else value)
        except (TypeError, ValueError, OverflowError):
            raise CellRefusedError(reason, f"expected a number; found {shown(value)}") from None
        if not math.isfinite(number):
            raise CellRefusedError(reason, f"expected a finite number; found {shown(str(value))}")
        return number

    return clean_each(column, clean, pa.float64())
