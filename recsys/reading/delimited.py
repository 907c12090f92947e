"""CSV and its relatives: delimiter found by itself, quoted newlines, no row lost to another's fault."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from recsys.config import ImportConfig
from recsys.reading.lines import Line, read_lines
from recsys.reading.records import Fault, Reading, RowBuffer

DELIMITERS = ",;\t|"
MAX_QUOTED_LINES = 1_000
"""A quoted field that spans more lines than this was never closed."""


def read_delimited(path: Path, config: ImportConfig) -> Reading:
    """Rows of a delimited file with a header, as text columns; empty fields are null.

    Faults: `wrong_columns` for a row with more or fewer fields than the header or a quote that is
    never closed, `record_too_long`, `empty_file`.
    """
    records = _records(read_lines(path, config.max_record_bytes))
    header = next((record for record in records if isinstance(record, Line) and record.text.strip()), None)
    if header is None:
        yield Fault("empty_file", "expected a header line; found none")
        return
    delimiter = max(DELIMITERS, key=lambda mark: (header.text.count(mark), -DELIMITERS.index(mark)))
    names = [name.strip() for name in _fields(header.text, delimiter)]
    buffer, done = RowBuffer(config.batch_rows), 0
    for number, record in enumerate(records, 1):
        if isinstance(record, Fault):
            yield Fault(record.reason, record.detail, number, record.raw)
            continue
        done = record.bytes_done
        fields = _fields(record.text, delimiter)
        if len(fields) != len(names):
            yield Fault(
                "wrong_columns", f"expected {len(names)} fields; found {len(fields)}", number, record.text
            )
            continue
        buffer.add(number, {name: value or None for name, value in zip(names, fields, strict=True)})
        if buffer.is_full:
            yield from buffer.flush(done, names)
    yield from buffer.flush(done, names)


def _fields(record: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([record], delimiter=delimiter), [])
    except csv.Error:
        return []


def _records(lines: Iterator[Line]) -> Iterator[Line | Fault]:
    """Physical lines joined while a quote is open; empty lines are dropped."""
    csv.field_size_limit(1 << 30)  # records are bounded already
    ahead: deque[Line] = deque()
    while True:
        line = ahead.popleft() if ahead else next(lines, None)
        if line is None:
            return
        if line.too_long:
            yield Fault("record_too_long", f"a line of more than {len(line.text)} characters", raw=line.text)
        elif line.text.count('"') % 2:
            yield _quoted(line, ahead, lines)
        elif line.text.strip():
            yield line


def _quoted(first: Line, ahead: deque[Line], lines: Iterator[Line]) -> Line | Fault:
    """The record that begins with an open quote; if it never closes, only its first line is lost."""
    joined, taken = [first.text], 0
    while len(joined) <= MAX_QUOTED_LINES:
        if taken == len(ahead):
            line = next(lines, None)
            if line is None or line.too_long:
                ahead.extend([line] if line else [])
                break
            ahead.append(line)
        joined.append(ahead[taken].text)
        taken += 1
        if joined[-1].count('"') % 2:
            done = ahead[taken - 1].bytes_done
            for _ in range(taken):
                ahead.popleft()
            return Line("\n".join(joined), done)
    return Fault("wrong_columns", "a quote is never closed", raw=first.text)
