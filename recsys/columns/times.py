"""Moments of any raw form as UTC microseconds."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.columns.cells import CellRefusedError, CleanColumn, clean_each, shown
from recsys.columns.raw import plain_values
from recsys.schemas import TIMESTAMP

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
BAD = "bad_timestamp"
SPACED_ZONE = re.compile(r"\s+(?=[+-]\d{2}:?\d{2}$)")
"""`09:50:26 +0200`, as shops' exports have it; ISO 8601 has no space there."""
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
MICROS_PER_UNIT = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (0.0, 1e6))
"""Epoch numbers from this size on are nanoseconds, microseconds, milliseconds, seconds."""


def clean_times(column: pa.ChunkedArray, latest: datetime) -> CleanColumn:
    """Moments between 1990 and `latest`; a time without a zone is UTC, an absent one null.

    Taken are Arrow timestamps and dates, ISO 8601 text, and epoch numbers in s, ms, us or ns.
    """
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return _clean_arrow(column, latest)

    def clean(value: Any) -> datetime | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        moment = parse_time(value)
        if moment is None or not EARLIEST <= moment <= latest:
            raise CellRefusedError(BAD, _detail(latest, str(value)))
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
        return parse_time(datetime.fromisoformat(SPACED_ZONE.sub("", text.removesuffix(" UTC"))))
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


def _clean_arrow(column: pa.ChunkedArray, latest: datetime) -> CleanColumn:
    """Arrow moments, compared in the column's own unit: a far year overflows in a finer one."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("s" if pa.types.is_date32(column.type) else "ms"))
    per_second = PER_SECOND[column.type.unit]
    ticks = column.cast(pa.int64()).combine_chunks()
    sound = pc.and_(
        pc.greater_equal(ticks, int(EARLIEST.timestamp()) * per_second),
        pc.less_equal(ticks, int(latest.timestamp() * per_second)),
    )
    kept = pc.if_else(sound, ticks, pa.scalar(None, pa.int64()))
    factor = 1_000_000 // per_second
    micros = pc.multiply(kept, factor) if factor else pc.divide(kept, per_second // 1_000_000)
    wrong = pc.indices_nonzero(pc.invert(sound)).to_pylist()
    shown_as = plain_values(column.take(pa.array(wrong, pa.int64()))) if wrong else []
    faults = {row: (BAD, _detail(latest, str(text))) for row, text in zip(wrong, shown_as, strict=True)}
    return CleanColumn(micros.cast(TIMESTAMP), faults)


def _detail(latest: datetime, found: str) -> str:
    return f"expected a time from 1990 to {latest:%Y-%m-%d}; found {shown(found)}"
