"""What a page shows below a command beside what the command printed, less what no two runs have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LEFT_OUT = "..."
_FRAME = re.compile(r"^[┌└├┏┡╇━─┬┴┼┐┘┤┓┩┳╈ ]+$")
_UNSTEADY = (
    (re.compile(r"Because you [^\"'|│]*"), "Because you did"),
    (re.compile(r"\b[0-9a-f]{12,}\b"), "ID"),
    (re.compile(r"(?<![\w#])[-+]?\d[\d,.:]*(?:e-?\d+)?(?:[TZ+-][\d:.Z+-]+)*"), "0"),
    (re.compile(r"-(?:0|\d+|ID)\b"), "-0"),
    (re.compile(r"\bNone\b|\bnull\b|\bnobody\b"), "0"),
)
"""Reasons follow the day on which they are asked for; numbers, times and ids follow the run."""


def faults(shown: str, said: str, names: frozenset[str] = frozenset()) -> Iterator[str]:
    """Lines of `shown` that `said` does not have where they should stand, and what `said` has beside them.

    `...` alone on a line stands for any number of lines. Of a table's row its first cell is compared, of JSON
    the fields and the kinds of their values. `names`: what may stand for each other, such as titles of items.
    """
    wanted, found = _lines(shown, names), _lines(said, names)
    place, skips = 0, False
    for line in wanted:
        if line == LEFT_OUT:
            skips = True
            continue
        here = next((n for n in range(place, len(found)) if _same(line, found[n])), None)
        if here is None or (here > place and not skips):
            yield f"shown {line!r}, printed {found[place : place + 3]!r}"
            if here is None:
                continue
        place, skips = here + 1, False
    if place < len(found) and not skips:
        yield f"printed and not shown: {found[place]!r}"


def _lines(text: str, names: frozenset[str]) -> list[str]:
    """Lines that count: rows of tables by their first cells, JSON as it is, others less what is unsteady."""
    rows = [line.strip() for line in text.splitlines()]
    return [_line(row, names) for row in rows if row and not _FRAME.match(row) and not _continues(row)]


def _continues(row: str) -> bool:
    return bool(re.match(r"[│┃]\s*[│┃]", row))


def _line(row: str, names: frozenset[str]) -> str:
    if row[0] in "│┃":
        return "│ " + row[1:].replace("┃", "│").split("│")[0].strip()
    if _json_of(row) is not None:
        return row
    for name in names:
        row = row.replace(name, "NAME")
    for pattern, stead in _UNSTEADY:
        row = pattern.sub(stead, row)
    return re.sub(r"\s+", " ", row)


def _json_of(row: str) -> Any:
    """The row as a JSON object or list, or None."""
    if row[:1] not in "{[":
        return None
    try:
        return json.loads(row)
    except json.JSONDecodeError:
        return None


def _same(shown: str, said: str) -> bool:
    one, other = _json_of(shown), _json_of(said)
    if one is None or other is None:
        return shown == said
    return _fits(one, other)


def _fits(one: Any, other: Any) -> bool:
    """Whether two values are of one shape; null and an empty list or object are of any."""
    if one in (None, [], {}) or other in (None, [], {}):
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_fits(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return _fits(one[0], other[0])
    number = (int, float)
    return type(one) is type(other) or (isinstance(one, number) and isinstance(other, number))
