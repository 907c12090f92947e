"""Raw rows -> `ITEMS`, row by row judged, column by column computed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.catalog import fields
from recsys.catalog.price_columns import clean_prices
from recsys.catalog.text_cleaning import cut_at_word, has_markup, plain_text
from recsys.columns import (
    CleanColumn,
    Faults,
    clean_each,
    clean_ids,
    clean_times,
    map_columns,
    missing_columns,
    plain_table,
    plain_values,
    quarantine_rows,
)
from recsys.config import ImportConfig
from recsys.schemas import ITEMS, STRING, Cleaned

CLOCK_SKEW = timedelta(days=1)
REQUIRED = (("item_id",), ("title",))


def lacking_columns(found: Sequence[str], config: ImportConfig) -> str | None:
    """Why files with these columns hold no items, or None when they may."""
    mapped = map_columns(found, fields.ALIASES, config.columns)
    return missing_columns(found, mapped, REQUIRED, config.columns)


def clean_items(
    table: pa.Table, *, config: ImportConfig, file: str, rows: Sequence[int] | None = None
) -> Cleaned:
    """Rows of any columns and types as items; those that cannot be are quarantined.

    `rows` are their numbers in the file, counted from 1 when absent. Columns beyond the contract
    become attributes. Raises `SchemaError` when `config.columns` names a field that does not exist.
    """
    numbers = rows if rows is not None else range(1, table.num_rows + 1)
    table = plain_table(table)
    mapped = map_columns(table.column_names, fields.ALIASES, config.columns)
    if detail := missing_columns(table.column_names, mapped, REQUIRED, {}):
        faults = {row: ("missing_columns", detail) for row in range(table.num_rows)}
        return Cleaned(ITEMS.empty_table(), quarantine_rows(table, faults, file, numbers))
    return _Cleaning(table, mapped, config).result(file, numbers)


class _Cleaning:
    """One batch on its way; the first fault of a row is the one that is reported."""

    def __init__(self, table: pa.Table, mapped: Mapping[str, str], config: ImportConfig) -> None:
        self._table, self._mapped, self._config = table, mapped, config
        self._faults: Faults = {}
        self._mended: list[tuple[int, str]] = []

    def result(self, file: str, numbers: Sequence[int]) -> Cleaned:
        columns = self._columns()
        good = pa.table([columns[name] for name in ITEMS.names], names=ITEMS.names)
        if self._faults:
            keep = [row for row in range(good.num_rows) if row not in self._faults]
            good = good.take(pa.array(keep, pa.int64()))
        bad = quarantine_rows(self._table, self._faults, file, numbers)
        mended = Counter(kind for row, kind in self._mended if row not in self._faults)
        return Cleaned(good.cast(ITEMS), bad, mended)

    def _columns(self) -> dict[str, pa.Array]:
        latest = datetime.now(UTC) + CLOCK_SKEW
        found = {"item_id": self._take(clean_ids(self._raw("item_id"), required=True))}
        found["title"] = self._titles()
        found["description"] = self._text("description", self._config.max_description_chars)
        for name, clean, kind in (
            ("category", fields.category_path, STRING),
            ("brand", fields.short_text, STRING),
            ("image_url", fields.image_url, STRING),
            ("available", fields.availability, pa.bool_()),
        ):
            found[name] = self._take(clean_each(self._raw(name), clean, kind))
        stated, said, named = (self._raw(name) for name in ("price_minor", "price", "currency"))
        minor, currency = clean_prices(stated, said, named, self._config.default_currency)
        found["price_minor"], found["currency"] = self._take(minor), self._take(currency)
        found["attributes"] = self._attributes()
        for name in ("created_at", "updated_at"):
            found[name] = self._take(clean_times(self._raw(name), latest))
        return found

    def _raw(self, name: str) -> pa.ChunkedArray:
        if name not in self._mapped:
            return pa.chunked_array([pa.nulls(self._table.num_rows, STRING)])
        return self._table.column(self._mapped[name])

    def _take(self, column: CleanColumn) -> pa.Array:
        for row, fault in column.faults.items():
            self._faults.setdefault(row, fault)
        return column.values

    def _titles(self) -> pa.Array:
        titles = self._text("title", self._config.max_title_chars)
        for row in pc.indices_nonzero(pc.is_null(titles)).to_pylist():
            self._faults.setdefault(row, ("missing_title", "expected a title; found none"))
        return titles

    def _text(self, name: str, max_chars: int) -> pa.Array:
        mended: dict[str, list[str]] = {}

        def clean(value: Any) -> str | None:
            raw = fields.long_text(value)
            plain = plain_text(raw, max_chars)
            kinds = ["text_cut"] if len(plain) > max_chars else []
            if kinds or plain != raw:
                mended[raw] = kinds + (["html_removed"] if has_markup(raw[: 2 * max_chars]) else [])
            return cut_at_word(plain, max_chars) or None

        column = self._raw(name)
        cleaned = self._take(clean_each(column, clean, STRING))
        if any(mended.values()):
            raws = (fields.long_text(value) for value in plain_values(column))
            self._mended += [(row, kind) for row, raw in enumerate(raws) for kind in mended.get(raw, ())]
        return cleaned

    def _attributes(self) -> pa.Array:
        taken = set(self._mapped.values())
        rows = [dict(fields.attribute_pairs(value)) for value in plain_values(self._raw("attributes"))]
        for name in (name for name in self._table.column_names if name not in taken):
            key = fields.attribute_text(name)
            for row, value in zip(rows, plain_values(self._table.column(name)), strict=True):
                if key and (text := fields.attribute_text(value)):
                    row.setdefault(key, text)
        bounded = [sorted(row.items())[: fields.MAX_ATTRIBUTES] or None for row in rows]
        return pa.array(bounded, ITEMS.field("attributes").type)
