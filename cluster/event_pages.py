"""Rows of the event log found page by page, whatever became of the tree that leads to them.

A leaf page of a SQLite table holds its rows in full; the digest says which of what looks like a row is one.
Format: https://www.sqlite.org/fileformat2.html, sections 1.6 and 2.1.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from struct import unpack_from
from typing import Any

from cluster.event_digest import DIGESTED, VALUE, WIDTH, fault_of

LEAF, INT_WIDTHS = 0x0D, (0, 1, 2, 3, 4, 6, 8)
COLUMNS = WIDTH + 1
Page = Callable[[int], bytes]


def rows_of_pages(database: Path, images: dict[int, bytes] | None = None) -> Iterator[tuple[Any, ...]]:
    """Whole rows (`DIGESTED` and digest) on the leaf pages of a file, or of `images` by page number.

    Pages that the file keeps as free are passed over; a row may come more than once.
    """
    with database.open("rb") as file:
        head = file.read(100)
        size = int.from_bytes(head[16:18], "big")
        size = 65_536 if size == 1 else size
        if size < 512 or size & (size - 1):
            size = 4_096
        count = database.stat().st_size // size

        def page(number: int) -> bytes:
            if images is not None and number in images:
                return images[number]
            file.seek((number - 1) * size)
            return file.read(size)

        free = _free_pages(page, int.from_bytes(head[32:36], "big"), count) if images is None else set()
        numbers = range(1, count + 1) if images is None else list(images)
        for number in numbers:
            if number not in free:
                yield from _rows(page(number), size - head[20], page)


def _rows(content: bytes, usable: int, page: Page) -> Iterator[tuple[Any, ...]]:
    if len(content) < usable or content[0] != LEAF:
        return
    for place in range(unpack_from(">H", content, 3)[0]):
        try:
            (start,) = unpack_from(">H", content, 8 + 2 * place)
            row = _cell(content, start, usable, page)
        except (LookupError, ValueError, struct.error):  # what looked like a row is none
            continue
        if row is not None and fault_of(row) is None:
            yield row


def _cell(content: bytes, start: int, usable: int, page: Page) -> tuple[Any, ...] | None:
    length, start = _varint(content, start)
    seq, start = _varint(content, start)
    return _record(_payload(content, start, length, usable, page), seq)


def _payload(content: bytes, start: int, length: int, usable: int, page: Page) -> bytes:
    """The record, with the part that lies on pages of its own where it is long."""
    if length <= usable - 35:
        return content[start : start + length]
    least = (usable - 12) * 32 // 255 - 23
    here = least + (length - least) % (usable - 4)
    here = least if here > usable - 35 else here
    parts, found = [content[start : start + here]], here
    following = int.from_bytes(content[start + here : start + here + 4], "big")
    while following and found < length:
        more = page(following)
        following = int.from_bytes(more[:4], "big")
        parts.append(more[4:usable])
        found += usable - 4
    return b"".join(parts)[:length]


def _record(record: bytes, seq: int) -> tuple[Any, ...] | None:
    head, place = _varint(record, 0)
    kinds: list[int] = []
    while place < head and len(kinds) <= COLUMNS:
        kind, place = _varint(record, place)
        kinds.append(kind)
    if len(kinds) != COLUMNS:
        return None
    values: list[Any] = []
    for kind in kinds:
        value, place = _value(record, kind, place)
        values.append(value)
    values[DIGESTED.index("seq")] = seq  # the row's number is the tree's key
    if isinstance(values[VALUE], int):
        values[VALUE] = float(values[VALUE])  # as SQLite keeps whole numbers
    return tuple(values)


def _value(record: bytes, kind: int, place: int) -> tuple[Any, int]:
    if kind in (8, 9):
        return kind - 8, place
    if kind == 7:
        return unpack_from(">d", record, place)[0], place + 8
    if kind < 7:
        end = place + INT_WIDTHS[kind]
        return (None if kind == 0 else int.from_bytes(record[place:end], "big", signed=True)), end
    end = place + (kind - 12) // 2
    return (record[place:end].decode("utf-8") if kind & 1 else record[place:end]), end


def _varint(content: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number in range(9):
        byte = content[place + number]
        if number == 8:
            value = value << 8 | byte
            return value - (1 << 64 if value >> 63 else 0), place + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + number + 1
    raise AssertionError


def _free_pages(page: Page, trunk: int, count: int) -> set[int]:
    free: set[int] = set()
    while 0 < trunk <= count and trunk not in free:
        content = page(trunk)
        free.add(trunk)
        leaves = min(int.from_bytes(content[4:8], "big"), len(content) // 4 - 2)
        free.update(unpack_from(f">{leaves}I", content, 8))
        trunk = int.from_bytes(content[:4], "big")
    return free
