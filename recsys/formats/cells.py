"""How one field is read from a row of another product's file: small parts that formats are written in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsys.columns import column_key

Row = Mapping[str, Any]
"""Values of one row by `column_key` of their column."""
PART, PARENT = "%part", "%parent"
"""Where a row holds the element it was made for, and the row whose variant it is."""
NO_COLUMNS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Cell:
    """A value of a row; None where the row does not have it."""

    read: Callable[[Row], Any]
    columns: frozenset[str] = NO_COLUMNS
    """Keys of the columns that it looks at."""

    def __call__(self, row: Row) -> Any:
        """The value, None when it is blank."""
        value = self.read(row)
        return None if is_blank(value) else value


def is_blank(value: Any) -> bool:
    """Whether a value says nothing: None, NaN, empty, spaces."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or value != value or (isinstance(value, (list, dict)) and not value)


def column(*names: str) -> Cell:
    """The first of these columns that says something; case and separators of names do not matter."""
    keys = tuple(column_key(name) for name in names)
    if len(keys) == 1:
        (key,) = keys
        return Cell(lambda row: row.get(key), frozenset(keys))
    return Cell(
        lambda row: next((row[key] for key in keys if not is_blank(row.get(key))), None), frozenset(keys)
    )


def constant(value: Any) -> Cell:
    """The same for every row."""
    return Cell(lambda row: value)


def first_of(*cells: Cell) -> Cell:
    """The first cell that says something."""
    return Cell(lambda row: next((v for cell in cells if (v := cell(row)) is not None), None), _all(cells))


def changed(cell: Cell, change: Callable[[Any], Any]) -> Cell:
    """What `change` makes of a cell that says something."""
    return Cell(lambda row: None if (value := cell(row)) is None else change(value), cell.columns)


def combined(change: Callable[..., Any], *cells: Cell) -> Cell:
    """What `change` makes of several cells, each None where it says nothing."""
    return Cell(lambda row: change(*(cell(row) for cell in cells)), _all(cells))


def joined(mark: str, *cells: Cell) -> Cell:
    """What the cells say, as one text with `mark` between."""
    return combined(lambda *found: mark.join(text_of(one) for one in found if one is not None), *cells)


def inside(cell: Cell, *path: str | int) -> Cell:
    """A value within an object or list, also one that stands there as JSON text."""

    def value(outer: Any) -> Any:
        for step in path:
            outer = opened(outer)
            if isinstance(step, str):
                outer = outer.get(step) if isinstance(outer, dict) else None
            else:
                outer = outer[step] if isinstance(outer, list) and len(outer) > step else None
        return outer

    return changed(cell, value)


def part(*path: str | int) -> Cell:
    """A value within the element for which the row stands, where a format makes a row of each."""
    return inside(Cell(lambda row: row.get(PART)), *path)


def of_parent(cell: Cell) -> Cell:
    """A cell of the row whose variant this one is."""
    return Cell(lambda row: None if (parent := row.get(PARENT)) is None else cell(parent), cell.columns)


def opened(value: Any) -> Any:
    """A list or object that stands as JSON text; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def listed(value: Any, mark: str) -> list[str]:
    """The parts of a list, or of a text with `mark` between them; blank ones are left out."""
    found = opened(value)
    parts = found if isinstance(found, list) else text_of(found).split(mark)
    return [text_of(one).strip() for one in parts if not is_blank(one)]


def first_listed(cell: Cell, mark: str) -> Cell:
    """The first part of a list, or of a text with `mark` between its parts."""
    return changed(cell, lambda value: next(iter(listed(value, mark)), None))


def longest_path(paths: Sequence[str], mark: str = ">") -> list[str]:
    """Of several category paths the one that says most, as its parts."""
    parted = [[name.strip() for name in path.split(mark) if name.strip()] for path in paths]
    return max(parted, key=len, default=[])


def text_of(value: Any) -> str:
    """A value as text; `3.0` is `3`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)


def _all(cells: Sequence[Cell]) -> frozenset[str]:
    return frozenset(name for cell in cells for name in cell.columns)
