"""JSON Lines, and files that hold one JSON array of objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ijson

from recsys.config import ImportConfig
from recsys.reading.lines import open_bytes, read_lines
from recsys.reading.records import Fault, Reading, RowBuffer


def read_json(path: Path, config: ImportConfig) -> Reading:
    """Rows of a JSON Lines file or a JSON array; faults `invalid_json`, `record_too_long`, `empty_file`."""
    with open_bytes(path) as (content, _):
        start = content.read(4_096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if not start:
        yield Fault("empty_file", "expected JSON objects; found none")
    elif start == b"[":
        yield from _read_array(path, config)
    else:
        yield from _read_lines(path, config)


def _read_lines(path: Path, config: ImportConfig) -> Reading:
    buffer, done, number = RowBuffer(config.batch_rows), 0, 0
    for line in read_lines(path, config.max_record_bytes):
        if not line.text.strip():
            continue
        number, done = number + 1, line.bytes_done
        if line.too_long:
            yield Fault("record_too_long", "a line over the bound", number, line.text)
            continue
        row = parse_object(line.text)
        if isinstance(row, str):
            yield Fault("invalid_json", row, number, line.text)
            continue
        buffer.add(number, row)
        if buffer.is_full:
            yield from buffer.flush(done)
    yield from buffer.flush(done)


def parse_object(text: str) -> dict[str, Any] | str:
    """The JSON object in `text`, or what is wrong with it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"expected a JSON object; {error}"
    return value if isinstance(value, dict) else f"expected a JSON object; found {type(value).__name__}"


def _read_array(path: Path, config: ImportConfig) -> Reading:
    buffer, number = RowBuffer(config.batch_rows), 0
    with open_bytes(path) as (content, raw):
        try:
            for value in ijson.items(content, "item", use_float=True):
                number += 1
                if not isinstance(value, dict):
                    yield Fault("invalid_json", f"expected an object; found {type(value).__name__}", number)
                    continue
                buffer.add(number, value)
                if buffer.is_full:
                    yield from buffer.flush(raw.tell())
        except (ijson.JSONError, UnicodeDecodeError) as error:
            yield Fault("invalid_json", f"the array breaks off: {error}"[:300], number + 1)
        yield from buffer.flush(raw.tell())
