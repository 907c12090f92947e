"""Which format a file has, told by its columns or by the caller, and its rows in our terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from recsys.columns import column_key
from recsys.config import ImportConfig
from recsys.errors import ConfigError
from recsys.formats import gorse, merchant, personalize, retail, shopify, woocommerce
from recsys.formats.format import Format, Kind, Wanted
from recsys.formats.shaping import Shaper
from recsys.reading import Fault, Reading, SourceBatch, table_of_rows

PLAIN = "plain"
"""Columns under our own names, or names like them: what no format is needed for."""
FORMATS: tuple[Format, ...] = (
    *gorse.FORMATS,
    *personalize.FORMATS,
    *retail.FORMATS,
    *shopify.FORMATS,
    *woocommerce.FORMATS,
    *merchant.FORMATS,
)
"""In the order in which a file is compared with them."""
ELSEWHERE = {
    Kind.ITEMS: "these are items: recsys import items",
    Kind.EVENTS: "these are events: recsys import events",
    Kind.USERS: "attributes of people are not kept; a request for a list brings them in `user`",
}


@dataclass
class Recognised:
    """What the files of one import turned out to be."""

    formats: Counter[str] = field(default_factory=Counter)
    """Files by what people call their format; plain ones are not counted."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Rows that are no items, or no events, by design of their format, by reason."""


def format_names() -> list[str]:
    """What `--from` takes."""
    return list(dict.fromkeys([PLAIN, *(form.name for form in FORMATS)]))


def require_format(name: str | None, kind: Wanted) -> None:
    """Raise `ConfigError` for a format that does not exist or has no files of this kind."""
    known = [PLAIN, *(form.name for form in FORMATS if form.kind.value == kind)]
    if name is not None and name not in known:
        raise ConfigError(f"no such format of {kind}", expected=", ".join(known), found=name, where="--from")


def shaped(reading: Reading, kind: Wanted, config: ImportConfig, seen: Recognised) -> Reading:
    """A file's batches in our fields where its format is known, unchanged where it is plain.

    Faults: those of `reading`; `missing_columns` for a file that is not of `config.source_format` or
    lacks a chosen column; `other_kind` for a known file of another kind. Each ends the file.
    """
    shaper, decided = None, False
    for part in reading:
        if isinstance(part, Fault):
            yield part
            continue
        if not decided:
            found = _format_of(part, kind, config)
            if isinstance(found, Fault):
                yield found
                return
            decided = True
            if found is not None:
                seen.formats[found.title] += 1
                shaper = Shaper(found, config.columns, seen.skipped)
        yield part if shaper is None else shaper.shape(part)


def rows_of(form: Format, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that came as objects, not in a file, in the contract's fields."""
    batch = SourceBatch(table_of_rows(rows), tuple(range(1, len(rows) + 1)))
    found: list[dict[str, Any]] = Shaper(form, {}, Counter()).shape(batch).table.to_pylist()
    return found


def _format_of(part: SourceBatch, kind: str, config: ImportConfig) -> Format | Fault | None:
    columns = part.table.column_names
    found = None
    if config.source_format != PLAIN:
        found = _named(config.source_format, kind, columns) if config.source_format else _told_by(columns)
    if isinstance(found, Format) and found.kind.value != kind:
        return Fault("other_kind", f"expected {kind}; found {found.title}: {ELSEWHERE[found.kind]}")
    if isinstance(found, Format) and part.has_header:
        keys = {column_key(name) for name in columns}
        if lacking := [name for name in config.columns.values() if column_key(name) not in keys]:
            return Fault("missing_columns", _lacking(", ".join(lacking), columns))
    return found


def _told_by(columns: Sequence[str]) -> Format | None:
    known = frozenset(columns)
    return next((form for form in FORMATS if form.fits(known)), None)


def _named(name: str, kind: str, columns: Sequence[str]) -> Format | Fault:
    forms = [form for form in FORMATS if form.name == name]
    known = frozenset(columns)
    fitting = [form for form in forms if form.fits(known)]
    if fitting:
        return fitting[0]
    wanted = next((form for form in forms if form.kind.value == kind), forms[0])
    return Fault("missing_columns", _lacking(f"{wanted.title}: {wanted.expected}", columns))


def _lacking(expected: str, columns: Sequence[str]) -> str:
    return f"expected {expected}; found {', '.join(columns)}"[:500]
