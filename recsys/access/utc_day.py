"""Days as quotas count them: from one midnight UTC to the next, numbered since 1970."""

from __future__ import annotations

from datetime import UTC, datetime

DAY_US = 86_400_000_000


def day_of(at_us: int) -> int:
    """Number of the UTC day of a time in microseconds since 1970; midnight itself is of the new day."""
    return at_us // DAY_US


def seconds_left(at_us: int) -> int:
    """Whole seconds after which the next UTC day has begun: 1 to 86,400, never too few."""
    left_us = DAY_US - at_us % DAY_US
    return -(-left_us // 1_000_000)


def day_name(day: int) -> str:
    """The day as `2026-11-27`."""
    return day_start(day)[:10]


def day_start(day: int) -> str:
    """The day's first moment as `2026-11-27T00:00:00Z`."""
    return datetime.fromtimestamp(day * DAY_US / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
