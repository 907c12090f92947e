"""Rows of a known format -> rows of the contract's fields, before they are judged like any others."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from recsys.columns import column_key, plain_table, plain_values
from recsys.formats.cells import PARENT, PART, Cell, Row, column, is_blank, opened, text_of
from recsys.formats.format import Format, Inherit, Kind
from recsys.reading import SourceBatch, table_of_rows

MAX_PARENTS = 50_000
"""Rows remembered for those that come after them; beyond that the oldest are forgotten."""
MAX_INHERITED_CHARS = 4_000


class Shaper:
    """The rows of one file, batch by batch."""

    def __init__(self, form: Format, chosen: Mapping[str, str], skipped: Counter[str]) -> None:
        """`chosen`: field -> column, where the caller knows better; `skipped` is counted up."""
        self._form, self._chosen, self._skipped = form, chosen, skipped
        self._fields = {**form.fields, **{name: column(where) for name, where in chosen.items()}}
        cells = [*self._fields.values(), *form.attributes.values()]
        cells += [cell for cell in (form.named_values, form.each) if cell is not None]
        self._read = {name for cell in cells for name in cell.columns} | {
            column_key(name) for name in form.withheld
        }
        self._parents = _Parents(form.inherit) if form.inherit is not None else None

    def shape(self, batch: SourceBatch) -> SourceBatch:
        """The same rows with the contract's columns alone; numbers are those of the file's rows."""
        table = plain_table(batch.table)
        names = table.column_names
        keys = [column_key(name) for name in names]
        columns = [plain_values(one) for one in table.columns]
        rest = [(key, name) for key, name in zip(keys, names, strict=True) if key not in self._read]
        rows: list[dict[str, Any]] = []
        numbers: list[int] = []
        for number, values in zip(batch.rows, zip(*columns, strict=True), strict=True):
            for row in self._rows(dict(zip(keys, values, strict=True))):
                rows.append(self._shaped(row, rest))
                numbers.append(number)
        shaped = table_of_rows(rows, [self._chosen.get(name, name) for name in self._names()])
        return replace(batch, table=shaped, rows=tuple(numbers))

    def _names(self) -> list[str]:
        return [*self._fields, *(["attributes"] if self._form.kind is Kind.ITEMS else [])]

    def _rows(self, row: dict[str, Any]) -> Iterator[Row]:
        """The rows that a row stands for: none when it is skipped."""
        filled: Row = self._parents.filled(row) if self._parents else row
        for reason, is_true in self._form.skipped.items():
            if is_true(filled):
                self._skipped[reason] += 1
                return
        if self._form.each is None:
            yield filled
            return
        parts = opened(self._form.each(filled))
        for one in parts if isinstance(parts, list) and parts else [None]:
            yield {**filled, PART: one}

    def _shaped(self, row: Row, rest: list[tuple[str, str]]) -> dict[str, Any]:
        # A chosen column is what cleaning looks for, so that its field stands under that name.
        shaped = {self._chosen.get(name, name): cell(row) for name, cell in self._fields.items()}
        if self._form.kind is Kind.ITEMS:
            shaped["attributes"] = self._attributes(row, rest)
        return shaped

    def _attributes(self, row: Row, rest: list[tuple[str, str]]) -> list[list[str]] | None:
        found: dict[str, Any] = {name: cell(row) for name, cell in self._form.attributes.items()}
        for name, value in (self._form.named_values(row) or ()) if self._form.named_values else ():
            found.setdefault(text_of(name), value)
        if self._form.keeps_rest:
            for key, name in rest:
                found.setdefault(name, row.get(key))
        return [[name, text_of(value)] for name, value in found.items() if not is_blank(value)] or None


class _Parents:
    """Rows that later ones may mean, the newest `MAX_PARENTS`."""

    def __init__(self, inherit: Inherit) -> None:
        self._inherit = inherit
        self._filled = tuple(column_key(name) for name in inherit.columns)
        needed = {name for cell in inherit.own for name in cell.columns}
        self._kept = tuple(dict.fromkeys([*self._filled, *sorted(needed)]))
        self._known: OrderedDict[str, Row] = OrderedDict()

    def filled(self, row: dict[str, Any]) -> Row:
        """The row with its blanks filled, and with its parent, where that is known."""
        name = self._inherit.parent(row)
        parent = self._known.get(text_of(name)) if name is not None else None
        self._remember(row)
        if parent is None:
            return row
        blanks = {key: parent.get(key) for key in self._filled if is_blank(row.get(key))}
        return {**row, **blanks, PARENT: parent}

    def _remember(self, row: Row) -> None:
        names = [text_of(name) for cell in self._inherit.own if (name := _of(cell, row)) is not None]
        new = [name for name in names if name not in self._known]
        if new:
            kept = {key: _bounded(row.get(key)) for key in self._kept}
            self._known |= dict.fromkeys(new, kept)
            while len(self._known) > MAX_PARENTS:
                self._known.popitem(last=False)


def _of(cell: Cell, row: Row) -> Any:
    return cell(row)


def _bounded(value: Any) -> Any:
    return value[:MAX_INHERITED_CHARS] if isinstance(value, str) else value
