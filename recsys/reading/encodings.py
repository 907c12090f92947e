"""Which encoding a file of text has, told by its beginning where nobody says."""

from __future__ import annotations

import codecs
import re

UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAMPLE_BYTES = 1 << 16
LEAST_PAIRS = 8
"""Pairs of bytes from which a file may be taken for Chinese."""
PAIRED = 0.9
"""Share of bytes beyond ASCII that must come in pairs of GB 2312."""
COMMON = 0.6
"""Share of pairs that must be its common characters."""
SPREAD = 0.15
"""Share of pairs from the last third of the common characters: Korean has none there."""
_RUN = re.compile(rb"[\x80-\xff]+")


def encoding_of(sample: bytes, asked: str) -> str:
    """A codec's name for `asked`, or for the beginning of a file where `asked` is `auto`.

    Told are UTF-16 (by its mark, or by the zeros of Latin text), GB18030 (by runs of common Chinese
    characters in pairs of bytes), and `mixed`: UTF-8 with Windows-1252 wherever it is none.
    """
    if sample[:2] in UTF16_MARKS and asked in ("auto", "utf-16"):
        return "utf-16"
    if asked != "auto":
        return asked if asked != "utf-16" else _unmarked_utf16(sample) or "utf-16-le"
    if (unmarked := _unmarked_utf16(sample)) is not None:
        return unmarked
    return "gb18030" if not _is_utf8(sample) and _is_chinese(sample) else "mixed"


def _unmarked_utf16(sample: bytes) -> str | None:
    even, odd = sample[: len(sample) // 2 * 2 : 2], sample[1::2]
    if len(odd) < 4:
        return None
    zeros = even.count(0) / len(even), odd.count(0) / len(odd)
    if max(zeros) < 0.3 or min(zeros) > 0.01:
        return None
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def _is_utf8(sample: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(
            sample
        )  # the end may be cut inside a character
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(sample: bytes) -> bool:
    """Whether what is beyond ASCII stands in whole pairs, most of them common characters of GB 2312.

    Other single-byte alphabets have words of odd length, Big5 and Shift JIS have ASCII bytes in their
    pairs, Korean uses a few rows alone.
    """
    runs = _RUN.findall(sample[: sample.rfind(b"\n") + 1] or sample)
    size = sum(map(len, runs))
    leads: list[int] = [lead for run in runs if len(run) % 2 == 0 and min(run) >= 0xA1 for lead in run[::2]]
    if len(leads) < LEAST_PAIRS or 2 * len(leads) < PAIRED * size:
        return False
    common = sum(0xB0 <= lead <= 0xD7 for lead in leads) / len(leads)
    last_third = sum(0xC9 <= lead <= 0xD7 for lead in leads) / len(leads)
    return common >= COMMON and last_third >= SPREAD
