"""A JSON array of any size, element by element; a broken element does not take the next with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from recsys.reading.records import Fault

TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|["{}\[\],]', re.DOTALL)
BETWEEN = re.compile(r"[\s,]*")
# Control characters inside strings are common in exports; cleaning takes them out.
DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Element:
    """One element and its length in characters."""

    value: Any
    size: int


def elements(chunks: Iterator[str], max_chars: int) -> Iterator[Element | Fault]:
    """Elements of the array whose text is `chunks`, from its `[` on.

    Faults: `invalid_json` for a broken element, and for an array that breaks off;
    `record_too_long` ends the array, as its end cannot be told within the bound.
    """
    text, start = next(chunks, "").lstrip()[1:], 0
    while True:
        start = BETWEEN.match(text, start).end()  # type: ignore[union-attr]  # it matches the empty string
        if text.startswith("]", start):
            return
        found = _element(text, start)
        if found is not None:
            element, start = found
            yield element
            continue
        if len(text) - start > max_chars:
            yield Fault(
                "record_too_long", f"expected up to {max_chars} characters", raw=text[start:][:10_000]
            )
            return
        more = _read_more(chunks, len(text) - start)
        if not more:
            yield Fault("invalid_json", "the array breaks off", raw=text[start:][:10_000] or None)
            return
        text, start = text[start:] + more, 0


def _element(text: str, start: int) -> tuple[Element | Fault, int] | None:
    """The element at `start` and where it ends, or None when more text is needed."""
    try:
        value, end = DECODER.raw_decode(text, start)
    except (ValueError, RecursionError) as error:
        broken_end = _end_of_broken(text, start)
        if broken_end is None:
            return None
        detail = f"expected a JSON object; {error}"
        return Fault("invalid_json", detail, raw=text[start:broken_end]), broken_end
    return (Element(value, end - start), end) if end < len(text) else None


def _end_of_broken(text: str, start: int) -> int | None:
    depth = 0
    for token in TOKEN.finditer(text, start):
        mark = token.group()
        if mark == '"':
            return None
        if mark in ",]}" and depth == 0:
            return max(token.start(), start + (mark == "}"))
        depth += (mark in "{[") - (mark in "}]")
        if mark in "}]" and depth == 0:
            return token.end()
    return None


def _read_more(chunks: Iterator[str], at_least: int) -> str:
    """As much again as there is, so that a long element is not parsed too often."""
    parts: list[str] = []
    size = 0
    while size <= at_least and (chunk := next(chunks, "")):
        parts.append(chunk)
        size += len(chunk)
    return "".join(parts)
