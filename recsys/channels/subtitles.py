"""What is said in a film: SRT and WebVTT files as plain text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from recsys.errors import UnreadableFileError
from recsys.reading.lines import read_lines

MAX_BYTES = 5 * 1024 * 1024
_TIMES = re.compile(r"^\s*(?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3}\s*-->")
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_BLOCKS = ("NOTE", "STYLE", "REGION")


def read_subtitles(path: Path) -> str:
    """The words of a `.srt` or `.vtt` file in one line; numbers, times, styles and repeats are left out.

    Any encoding that files of rows may have. Raises `UnreadableFileError` for a file that is absent,
    larger than `MAX_BYTES` or without one timed line.
    """
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise UnreadableFileError("too_large", expected=f"at most {MAX_BYTES} bytes", found=str(size))
        lines = [line.text for line in read_lines(path, MAX_BYTES)]
    except OSError as error:
        raise UnreadableFileError("broken_subtitles", found=str(error)[:200], where=path.name) from error
    if not any(_TIMES.match(line) for line in lines):
        raise UnreadableFileError("broken_subtitles", expected="times such as 00:01.000 --> 00:02.000",
                                  where=path.name)  # fmt: skip
    return " ".join(_without_repeats(_spoken(lines)))


def _spoken(lines: Iterable[str]) -> Iterator[str]:
    """Lines below a time, up to the next empty line."""
    inside = False
    for line in lines:
        if _TIMES.match(line):
            inside = True
        elif not line.strip() or line.startswith(_BLOCKS):
            inside = False
        elif inside and (words := " ".join(html.unescape(_MARKUP.sub("", line)).split())):
            yield words


def _without_repeats(lines: Iterable[str]) -> Iterator[str]:
    """Rolling captions say each line twice."""
    last = ""
    for line in lines:
        if line != last:
            yield line
        last = line
