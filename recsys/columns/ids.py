"""Ids of any raw type as text."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.columns.cells import CellRefusedError, CleanColumn, clean_each, shown
from recsys.identifiers import MAX_ID_BYTES, id_fault

NOT_QUOTED = f"expected up to {MAX_ID_BYTES} bytes of plain text; what was found is a person's and not shown"
PLAIN = r"^[!-~]{1,256}$"


def clean_ids(
    column: pa.ChunkedArray, *, required: bool, missing: str = "missing_id", personal: bool = False
) -> CleanColumn:
    """Ids as text; whole numbers become their digits. Faults as in `id_fault`, and `id_bad_type`.

    An empty or absent value is null, or the fault `missing` when the id is required. A fault quotes the
    value unless the ids are `personal`.
    """
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    # Most ids are plain ASCII, which one regular expression decides for the whole column.
    if pa.types.is_string(column.type) and not (required and column.null_count) and _all_plain(column):
        return CleanColumn(column.combine_chunks())

    def clean(value: Any) -> str | None:
        try:
            text = id_text(value)
        except CellRefusedError as refused:
            raise CellRefusedError(refused.reason, NOT_QUOTED if personal else str(refused)) from None
        if not text:
            if required:
                raise CellRefusedError(missing, "expected an id; found none")
            return None
        if (fault := id_fault(text)) is not None:
            quoted = f"expected up to {MAX_ID_BYTES} bytes of plain text; found {shown(text)}"
            raise CellRefusedError(fault, NOT_QUOTED if personal else quoted)
        return text

    return clean_each(column, clean, pa.string())


def _all_plain(column: pa.ChunkedArray) -> bool:
    return pc.all(pc.match_substring_regex(column, pattern=PLAIN)).as_py() is not False


def id_text(value: Any) -> str:
    """A raw id as text: `123.0` is `123`, an absent one is empty; refuses what is neither text nor number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value.strip(" \t\r\n")
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not math.isfinite(value):
        raise CellRefusedError("id_bad_type", f"expected text or a number; found {shown(value)}")
    return str(int(value)) if value == int(value) else str(value)
