"""Text lines of a file of unknown encoding, each bounded in size."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias

from recsys.reading.encodings import SAMPLE_BYTES, encoding_of

SKIP_BYTES = 1 << 20
CHUNK_BYTES = 1 << 16
BROKEN_STREAM = (OSError, EOFError, zlib.error)
"""What reading raises when a file, packed or not, breaks off."""
NOT_ASCII = re.compile(rb"[\x80-\xff]+")

Content: TypeAlias = "io.BufferedReader[Any] | gzip.GzipFile"
"""Bytes of a file that can be looked at before they are read."""


@dataclass(frozen=True, slots=True)
class Line:
    """One physical line without its end."""

    text: str
    bytes_done: int
    """Read so far, of the file as it lies on disk."""
    too_long: bool = False
    """The line passed the bound; `text` is its beginning."""


@contextmanager
def open_bytes(path: Path) -> Iterator[tuple[Content, IO[bytes]]]:
    """The content (unpacked when the name ends in .gz), and the file whose position tells progress."""
    with io.BufferedReader(path.open("rb", buffering=0), SAMPLE_BYTES) as raw:
        if path.suffix.lower() == ".gz":
            # No buffer around it: what a broken stream still gave would be lost in one.
            with gzip.open(raw) as packed:
                yield packed, raw
        else:
            yield raw, raw


def read_lines(path: Path, max_bytes: int, encoding: str = "auto") -> Iterator[Line]:
    """Lines of a text file in `encoding`; `auto` is what `encoding_of` says of its beginning.

    Bytes that an encoding does not have become U+FFFD. A line longer than `max_bytes` is cut and marked;
    the rest of it is skipped without being held.
    """
    with open_bytes(path) as (content, raw):
        encoding = encoding_of(content.peek(SAMPLE_BYTES), encoding)
        if encoding.startswith("utf-16"):
            yield from _utf16_lines(content, raw, max_bytes, encoding)
        else:
            yield from _byte_lines(content, raw, max_bytes, encoding)


def _byte_lines(content: Content, raw: IO[bytes], max_bytes: int, encoding: str) -> Iterator[Line]:
    first = True
    while line := content.readline(max_bytes + 1):
        too_long = len(line) > max_bytes and not line.endswith(b"\n")
        if too_long:
            _skip_line(content)
        text = decode(line[: 10_000 if too_long else None], encoding)
        yield Line(text.removeprefix("\ufeff") if first else text, raw.tell(), too_long)
        first = False


def _utf16_lines(content: Content, raw: IO[bytes], max_bytes: int, encoding: str) -> Iterator[Line]:
    text = io.TextIOWrapper(content, encoding=encoding, errors="replace", newline="\n")
    try:
        while line := text.readline(max_bytes + 1):
            too_long = len(line) > max_bytes and not line.endswith("\n")
            if too_long:
                while (rest := text.readline(SKIP_BYTES)) and not rest.endswith("\n"):
                    pass
            yield Line(line[: 10_000 if too_long else None].rstrip("\r\n"), raw.tell(), too_long)
    finally:
        text.detach()  # whoever opened the file closes it


def _skip_line(content: Content) -> None:
    while (rest := content.readline(SKIP_BYTES)) and not rest.endswith(b"\n"):
        pass


def decode(line: bytes, encoding: str = "mixed") -> str:
    """Text of bytes; `mixed` reads what is not UTF-8 as Windows-1252, which shops still export."""
    line = line.rstrip(b"\r\n")
    return _decode(line) if encoding == "mixed" else line.decode(encoding, "replace")


def text_chunks(content: Content, encoding: str = "auto") -> Iterator[str]:
    """Text of a file without lines to go by, decoded as lines are, a bounded piece at a time."""
    encoding = encoding_of(content.peek(SAMPLE_BYTES), encoding)
    if encoding != "mixed":
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        start = True
        while piece := content.read(CHUNK_BYTES):
            text = decoder.decode(piece)
            yield text.removeprefix("\ufeff") if start else text
            start = False
        return
    rest, first = b"", True
    while piece := content.read(CHUNK_BYTES):
        rest += piece
        # No character of UTF-8 has an ASCII byte inside, so after one the text may be parted.
        end = next((at + 1 for at in range(len(rest) - 1, -1, -1) if rest[at] < 0x80), 0)
        text, rest = _decode(rest[:end]), rest[end:]
        if text:
            yield text.removeprefix("\ufeff") if first else text
            first = False
    if rest:
        yield _decode(rest).removeprefix("\ufeff") if first else _decode(rest)


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        parts, position = [], 0
        for run in NOT_ASCII.finditer(content):
            parts += [content[position : run.start()].decode("ascii"), _decode_run(run.group())]
            position = run.end()
        return "".join([*parts, content[position:].decode("ascii")])


def _decode_run(run: bytes) -> str:
    try:
        return run.decode("utf-8")
    except UnicodeDecodeError:
        return run.decode("cp1252", "replace")
