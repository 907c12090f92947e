"""Lengths of time as people write them: `400d`, `36h`, `8w`."""

from __future__ import annotations

import re

from recsys.errors import InputError

WRITTEN = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)\s*([hdw])")
DAYS = {"h": 1.0 / 24.0, "d": 1.0, "w": 7.0}


def days_of(text: str) -> float:
    """Days of a length such as `400d`; raises `InputError` for another form, and for nothing at all."""
    found = WRITTEN.fullmatch(text.strip().lower())
    days = float(found[1]) * DAYS[found[2]] if found else 0.0
    if days <= 0.0:
        raise InputError("a length of time is not understood", expected="such as 400d, 36h or 8w", found=text)
    return days
