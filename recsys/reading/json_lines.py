"""JSON Lines, and files that hold one JSON array of objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recsys.config import ImportConfig
from recsys.reading.json_array import DECODER, Element, elements
from recsys.reading.lines import BROKEN_STREAM, open_bytes, read_lines, text_chunks
from recsys.reading.records import Fault, Reading, RowBuffer


def read_json(path: Path, config: ImportConfig) -> Reading:
    """Rows of a JSON Lines file or a JSON array; faults `invalid_json`, `record_too_long`, `empty_file`."""
    with open_bytes(path) as (content, _):
        start = next(
            (chunk for chunk in text_chunks(content, config.encoding) if chunk.strip()), ""
        ).lstrip()[:1]
    if not start:
        yield Fault("empty_file", "expected JSON objects; found none")
    elif start == "[":
        yield from _read_array(path, config)
    else:
        yield from _read_lines(path, config)


def _read_lines(path: Path, config: ImportConfig) -> Reading:
    buffer, done, number = RowBuffer(config.batch_rows), 0, 0
    try:
        for line in read_lines(path, config.max_record_bytes, config.encoding):
            if not line.text.strip():
                continue
            number, done = number + 1, line.bytes_done
            if line.too_long:
                detail = f"expected a line of up to {config.max_record_bytes} bytes"
                yield Fault("record_too_long", detail, number, line.text)
                continue
            row = parse_object(line.text)
            if isinstance(row, str):
                yield Fault("invalid_json", row, number, line.text)
                continue
            buffer.add(number, row, len(line.text))
            if buffer.is_full:
                yield from buffer.flush(done)
    except BROKEN_STREAM:
        yield from buffer.flush(done)  # what was read before the file broke off is good
        raise
    yield from buffer.flush(done)


def parse_object(text: str) -> dict[str, Any] | str:
    """The JSON object in `text`, or what is wrong with it."""
    try:
        value = DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        return f"expected a JSON object; {error}"
    return value if isinstance(value, dict) else f"expected a JSON object; found {type(value).__name__}"


def _read_array(path: Path, config: ImportConfig) -> Reading:
    buffer = RowBuffer(config.batch_rows)
    with open_bytes(path) as (content, raw):
        chunks = (chunk for chunk in text_chunks(content, config.encoding) if chunk.strip())
        try:
            for number, found in enumerate(elements(chunks, config.max_record_bytes), 1):
                row = _row(found)
                if isinstance(row, Fault):
                    yield Fault(row.reason, row.detail, number, row.raw)
                    continue
                buffer.add(number, row.value, row.size)
                if buffer.is_full:
                    yield from buffer.flush(raw.tell())
        except BROKEN_STREAM:
            yield from buffer.flush(raw.tell())
            raise
        yield from buffer.flush(raw.tell())


def _row(found: Element | Fault) -> Element | Fault:
    if isinstance(found, Fault) or isinstance(found.value, dict):
        return found
    return Fault("invalid_json", f"expected a JSON object; found {type(found.value).__name__}")
