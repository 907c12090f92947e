"""Text lines of a file of unknown encoding, each bounded in size."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SKIP_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line without its end."""

    text: str
    bytes_done: int
    """Read so far, of the file as it lies on disk."""
    too_long: bool = False
    """The line passed the bound; `text` is its beginning."""


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """The content (unpacked when the name ends in .gz), and the file whose position tells progress."""
    with path.open("rb") as raw:
        if path.suffix.lower() == ".gz":
            with gzip.open(raw) as content:
                yield content, raw  # type: ignore[misc]  # GzipFile reads like a binary file
        else:
            yield raw, raw


def read_lines(path: Path, max_bytes: int) -> Iterator[Line]:
    """Lines of a text file: UTF-8, UTF-16 with its mark, else Windows-1252 line by line.

    A line longer than `max_bytes` is cut and marked; the rest of it is skipped without being held.
    """
    with open_bytes(path) as (content, raw):
        head = io.BufferedReader(content)  # type: ignore[type-var]  # any binary reader will do
        if head.peek(2)[:2] in UTF16_MARKS:
            yield from _utf16_lines(head, raw, max_bytes)
        else:
            yield from _byte_lines(head, raw, max_bytes)


def _byte_lines(content: IO[bytes], raw: IO[bytes], max_bytes: int) -> Iterator[Line]:
    first = True
    while line := content.readline(max_bytes + 1):
        too_long = len(line) > max_bytes and not line.endswith(b"\n")
        if too_long:
            _skip_line(content)
        text = decode(line[: 10_000 if too_long else None])
        yield Line(text.removeprefix("\ufeff") if first else text, raw.tell(), too_long)
        first = False


def _utf16_lines(content: IO[bytes], raw: IO[bytes], max_bytes: int) -> Iterator[Line]:
    text = io.TextIOWrapper(content, encoding="utf-16", errors="replace", newline="\n")
    while line := text.readline(max_bytes + 1):
        too_long = len(line) > max_bytes and not line.endswith("\n")
        if too_long:
            while (rest := text.readline(SKIP_BYTES)) and not rest.endswith("\n"):
                pass
        yield Line(line[: 10_000 if too_long else None].rstrip("\r\n"), raw.tell(), too_long)


def _skip_line(content: IO[bytes]) -> None:
    while (rest := content.readline(SKIP_BYTES)) and not rest.endswith(b"\n"):
        pass


def decode(line: bytes) -> str:
    """One line's text; bytes that are not UTF-8 are read as Windows-1252, which shops still export."""
    line = line.rstrip(b"\r\n")
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")
