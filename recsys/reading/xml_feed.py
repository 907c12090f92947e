"""XML feeds of products: RSS and Atom, entry by entry, with nothing that an XML file could ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from recsys.config import ImportConfig
from recsys.reading.lines import BROKEN_STREAM, open_bytes
from recsys.reading.records import Fault, Reading, RowBuffer

ENTRIES = frozenset({"item", "entry"})
GOOGLE = ("{http://base.google.com/ns/1.0}", "{http://base.google.com/cns/1.0}")
"""Names of a product feed; they win over RSS's and Atom's own of the same meaning."""
MAX_DEPTH = 8
MAX_PARTS = 20_000
"""Begins and ends of elements within one entry."""
OWN_NAMES = {"summary": "description", "content": "description"}


def read_xml(path: Path, config: ImportConfig) -> Reading:
    """Rows of an RSS or Atom feed, one for each `item` or `entry`; columns are names without namespace.

    Entities are not expanded and nothing is fetched; a file with a document type, which no feed needs,
    is refused whole. Faults: `unreadable_file` for that and where the XML is broken, what stands before
    is kept; `record_too_long`; `empty_file` for a file without entries.
    """
    buffer, number = RowBuffer(config.batch_rows), 0
    with open_bytes(path) as (content, raw):
        try:
            for number, found in enumerate(_entries(content, config.max_record_bytes), 1):
                if isinstance(found, Fault):
                    yield Fault(found.reason, found.detail, number)
                    continue
                row, size = found
                buffer.add(number, row, size)
                if buffer.is_full:
                    yield from buffer.flush(raw.tell())
        except etree.XMLSyntaxError as error:
            yield from buffer.flush(raw.tell())
            yield Fault("unreadable_file", f"expected an XML feed; {error}"[:300])
            return
        except BROKEN_STREAM:
            yield from buffer.flush(raw.tell())
            raise
        yield from buffer.flush(raw.tell())
    if number == 0:
        yield Fault("empty_file", "expected `item` or `entry` elements; found none")


def _entries(content: Any, max_bytes: int) -> Iterator[tuple[dict[str, Any], int] | Fault]:
    events = etree.iterparse(
        content,
        events=("start", "end"),
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    checked, open_entries, parts = False, 0, 0
    for event, element in events:
        if not checked and element.getroottree().docinfo.doctype:
            raise etree.XMLSyntaxError("a document type is not taken", 0, 0, 0)
        checked = True
        is_entry = _name(element.tag) in ENTRIES
        open_entries += is_entry if event == "start" else -is_entry
        parts = parts + 1 if open_entries else 0
        if parts > MAX_PARTS:
            raise etree.XMLSyntaxError(f"an entry has more than {MAX_PARTS // 2} elements", 0, 0, 0)
        if event == "start" or open_entries:
            continue
        if is_entry:
            size = sum(len(text) for text in element.itertext())
            too_long = Fault("record_too_long", f"expected an entry of up to {max_bytes} bytes")
            yield too_long if size > max_bytes else (_row(element), size)
        _forget(element)


def _forget(element: Any) -> None:
    """Drop what was read: a feed may be larger than memory."""
    element.clear()
    while element.getparent() is not None and element.getprevious() is not None:
        del element.getparent()[0]


def _row(entry: Any) -> dict[str, Any]:
    own: dict[str, Any] = {}
    google: dict[str, Any] = {}
    for child in entry.iterchildren(etree.Element):
        name = _name(child.tag)
        is_google = child.tag.startswith(GOOGLE)
        _add(google if is_google else own, name if is_google else OWN_NAMES.get(name, name), _value(child, 1))
    return own | google


def _add(row: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        return
    if name not in row:
        row[name] = value
    elif isinstance(row[name], list):
        row[name].append(value)
    else:
        row[name] = [row[name], value]


def _value(element: Any, depth: int) -> Any:
    """An element's text, its parts by name where it has any, the address of an Atom link."""
    parts: dict[str, Any] = {}
    if depth < MAX_DEPTH:
        for child in element.iterchildren(etree.Element):
            _add(parts, _name(child.tag), _value(child, depth + 1))
    text = "".join(element.itertext()).strip()
    return parts or text or element.get("href") or None


def _name(tag: str) -> str:
    return tag.rpartition("}")[2]
