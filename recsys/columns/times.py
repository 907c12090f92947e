"""Moments of any raw form as UTC microseconds."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.columns.cells import CellRefusedError, CleanColumn, clean_each, shown
from recsys.schemas import TIMESTAMP

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
BAD = "bad_timestamp"
MICROS_PER_UNIT = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
"""Epoch numbers from this size on are nanoseconds, microseconds, milliseconds, seconds."""


def clean_times(column: pa.ChunkedArray, latest: datetime) -> CleanColumn:
    """Moments between 1990 and `latest`; a time without a zone is UTC, an absent one null.

    Taken are Arrow timestamps and dates, ISO 8601 text, and epoch numbers in s, ms, us or ns.
    """
    if (fast := _cast(column, latest)) is not None:
        return CleanColumn(fast)

    def clean(value: Any) -> datetime | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        moment = parse_time(value)
        if moment is None or not EARLIEST <= moment <= latest:
            raise CellRefusedError(
                BAD, f"expected a time from 1990 to {latest:%Y-%m-%d}; found {shown(str(value))}"
            )
        return moment

    return clean_each(column, clean, TIMESTAMP)


def parse_time(value: Any) -> datetime | None:
    """A moment in UTC, or None when `value` is none."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, str):
        return _parse_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _from_epoch(float(value))


def _parse_text(text: str) -> datetime | None:
    try:
        return _from_epoch(float(text))
    except ValueError:
        pass
    try:
        return parse_time(datetime.fromisoformat(text.removesuffix(" UTC")))
    except (ValueError, OverflowError):
        return None


def _from_epoch(number: float) -> datetime | None:
    if not math.isfinite(number) or number < 0:
        return None
    micros = next(factor for bound, factor in MICROS_PER_UNIT if number >= bound) * number
    try:
        return datetime.fromtimestamp(micros / 1e6, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _cast(column: pa.ChunkedArray, latest: datetime) -> pa.Array | None:
    """The whole column at once when it holds moments and all of them are sound, else None."""
    if not (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        return None
    try:
        values = column.cast(pa.timestamp("us", getattr(column.type, "tz", None)), safe=False)
        values = values.cast(TIMESTAMP).combine_chunks()
    except pa.ArrowInvalid:
        return None
    if len(values) == values.null_count:
        return values
    bounds = pc.min_max(values.cast(pa.int64())).as_py()
    sound = bounds["min"] >= EARLIEST.timestamp() * 1e6 and bounds["max"] <= latest.timestamp() * 1e6
    return values if sound else None
