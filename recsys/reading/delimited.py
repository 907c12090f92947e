"""CSV and its relatives: delimiter found by itself, quoted newlines, no row lost to another's fault."""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from recsys.config import ImportConfig
from recsys.reading.lines import BROKEN_STREAM, Line, read_lines
from recsys.reading.records import Fault, Reading, RowBuffer

DELIMITERS = ",;\t|"
MAX_QUOTED_LINES = 1_000
"""A quoted field that spans more lines than this was never closed."""


def read_delimited(path: Path, config: ImportConfig) -> Reading:
    """Rows of a delimited file with a header, as text columns; empty fields are null.

    Faults: `wrong_columns` for a row with more or fewer fields than the header or a quote that is
    never closed, `record_too_long`, `empty_file`, `unreadable_file` when the header is none.
    """
    lines = read_lines(path, config.max_record_bytes, config.encoding)
    header = next((line for line in lines if line.text.strip()), None)
    if header is None:
        yield Fault("empty_file", "expected a header line; found none")
        return
    delimiter = max(DELIMITERS, key=lambda mark: (header.text.count(mark), -DELIMITERS.index(mark)))
    names = _unique([name.strip() for name in split_fields(header.text, delimiter)])
    if header.too_long or not names:
        yield Fault("unreadable_file", f"expected a header line; found {header.text[:80]!r}")
        return
    records = _Records(lines, delimiter, len(names), config.max_record_bytes)
    yield from _rows(records, names, config)


def _rows(records: _Records, names: Sequence[str], config: ImportConfig) -> Reading:
    buffer, done = RowBuffer(config.batch_rows), 0
    try:
        for number, record in enumerate(records, 1):
            if isinstance(record, Fault):
                yield Fault(record.reason, record.detail, number, record.raw)
                continue
            fields, size, done = record
            buffer.add(number, {name: value or None for name, value in zip(names, fields, strict=True)}, size)
            if buffer.is_full:
                yield from buffer.flush(done, names)
    except BROKEN_STREAM:
        yield from buffer.flush(done, names)  # what was read before the file broke off is good
        raise
    yield from buffer.flush(done, names)


def split_fields(record: str, delimiter: str) -> list[str]:
    """The fields of one record; none when it is not a record."""
    if '"' not in record and "\r" not in record:
        return record.split(delimiter)
    try:
        return next(csv.reader([record], delimiter=delimiter), [])
    except csv.Error:
        return []


def ends_inside_quotes(line: str, delimiter: str, inside: bool = False) -> bool:
    """Whether a quoted field is still open after `line`; a quote amid a field is a plain character."""
    position = 0
    if not inside and line.startswith('"'):
        inside, position = True, 1
    while True:
        if inside:
            closing = line.find('"', position)
            if closing < 0:
                return True
            inside = line.startswith('""', closing)
            position = closing + (2 if inside else 1)
        else:
            opening = line.find(delimiter + '"', position)
            if opening < 0:
                return False
            inside, position = True, opening + 2


def _unique(names: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return unique


class _Records:
    """Fields, size and progress of each record; empty lines are dropped."""

    def __init__(self, lines: Iterator[Line], delimiter: str, width: int, max_bytes: int) -> None:
        csv.field_size_limit(1 << 30)  # records are bounded already
        self._lines, self._ahead = lines, deque[Line]()
        self._delimiter, self._width, self._max_bytes = delimiter, width, max_bytes

    def __iter__(self) -> Iterator[tuple[list[str], int, int] | Fault]:
        while (line := self._ahead.popleft() if self._ahead else next(self._lines, None)) is not None:
            if line.too_long:
                yield Fault(
                    "record_too_long", f"expected a line of up to {self._max_bytes} bytes", raw=line.text
                )
            elif '"' in line.text and ends_inside_quotes(line.text, self._delimiter):
                yield self._quoted(line)
            elif line.text.strip():
                yield self._record(line.text, line.bytes_done)

    def _record(self, text: str, done: int) -> tuple[list[str], int, int] | Fault:
        fields = split_fields(text, self._delimiter)
        if len(fields) != self._width:
            detail = f"expected {self._width} fields; found {len(fields)}"
            return Fault("wrong_columns", detail, raw=text)
        return fields, len(text), done

    def _quoted(self, first: Line) -> tuple[list[str], int, int] | Fault:
        """The record that begins with an open quote; when none comes of it, only its first line is lost."""
        joined, size, inside = [first.text], len(first.text), True
        while inside and len(joined) <= MAX_QUOTED_LINES and size <= self._max_bytes:
            if len(joined) > len(self._ahead):
                following = next(self._lines, None)
                if following is None:
                    break
                self._ahead.append(following)
            line = self._ahead[len(joined) - 1]
            if line.too_long:
                break
            joined.append(line.text)
            size += len(line.text)
            inside = ends_inside_quotes(line.text, self._delimiter, inside=True)
        if not inside:
            record = self._record("\n".join(joined), self._ahead[len(joined) - 2].bytes_done)
            if not isinstance(record, Fault):
                for _ in joined[1:]:
                    self._ahead.popleft()
                return record
        return Fault("wrong_columns", "expected a closing quote; found none that fits", raw=first.text)
