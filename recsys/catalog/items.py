"""Raw rows -> `ITEMS`, row by row judged, column by column computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from recsys.catalog import fields
from recsys.catalog.prices import ParsedPrice, parse_currency, parse_price
from recsys.catalog.text_cleaning import clean_text, has_markup
from recsys.columns import (
    CleanColumn,
    Faults,
    clean_each,
    clean_ids,
    clean_times,
    map_columns,
    quarantine_rows,
)
from recsys.columns.cells import CellRefusedError, shown
from recsys.config import ImportConfig
from recsys.schemas import ITEMS, STRING, Cleaned

CLOCK_SKEW = timedelta(days=1)
REQUIRED = ("item_id", "title")


def clean_items(
    table: pa.Table, *, config: ImportConfig, file: str, rows: Sequence[int] | None = None
) -> Cleaned:
    """Rows of any columns and types as items; those that cannot be are quarantined.

    `rows` are their numbers in the file, counted from 1 when absent. Columns beyond the contract
    become attributes. Raises `SchemaError` when `config.columns` does not fit the table.
    """
    numbers = rows if rows is not None else range(1, table.num_rows + 1)
    mapped = map_columns(table.column_names, fields.ALIASES, config.columns)
    if lacking := [name for name in REQUIRED if name not in mapped and table.num_rows]:
        detail = f"expected {', '.join(lacking)}; found {', '.join(table.column_names)}"
        faults = {row: ("missing_columns", detail[:500]) for row in range(table.num_rows)}
        return Cleaned(ITEMS.empty_table(), quarantine_rows(table, faults, file, numbers))
    return _Cleaning(table, mapped, config).result(file, numbers)


class _Cleaning:
    """One batch on its way; the first fault of a row is the one that is reported."""

    def __init__(self, table: pa.Table, mapped: Mapping[str, str], config: ImportConfig) -> None:
        self._table, self._mapped, self._config = table, mapped, config
        self._faults: Faults = {}
        self._mended: dict[str, int] = {}

    def result(self, file: str, numbers: Sequence[int]) -> Cleaned:
        columns = self._columns()
        good = pa.table([columns[name] for name in ITEMS.names], schema=ITEMS.remove_metadata())
        keep = [row for row in range(self._table.num_rows) if row not in self._faults]
        bad = quarantine_rows(self._table, self._faults, file, numbers)
        taken = good if len(keep) == good.num_rows else good.take(pa.array(keep, pa.int64()))
        return Cleaned(taken, bad, self._mended)

    def _columns(self) -> dict[str, pa.Array]:
        latest = datetime.now(UTC) + CLOCK_SKEW
        found = {"item_id": self._take(clean_ids(self._raw("item_id"), required=True))}
        description = self._text("description", self._config.max_description_chars)
        found["title"] = self._titles(description)
        found["description"] = description
        for name, clean, kind in (
            ("category", fields.category_path, STRING),
            ("brand", fields.short_text, STRING),
            ("image_url", fields.image_url, STRING),
            ("available", fields.availability, pa.bool_()),
        ):
            found[name] = self._take(clean_each(self._raw(name), clean, kind))
        found["price_minor"], found["currency"] = self._prices()
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

    def _text(self, name: str, max_chars: int) -> pa.Array:
        def clean(value: Any) -> str | None:
            if value is None:
                return None
            raw = value if isinstance(value, str) else str(value)
            text = clean_text(raw, max_chars)
            self._mend("html_removed", has_markup(raw[: 2 * max_chars]))
            self._mend("text_cut", len(raw) > max_chars and len(text) > max_chars // 2)
            return text or None

        return self._take(clean_each(self._raw(name), clean, STRING))

    def _titles(self, description: pa.Array) -> pa.Array:
        """Titles; an item without one is called by the beginning of its description, if it has that."""
        titles = self._text("title", self._config.max_title_chars)
        lacking = pc.indices_nonzero(pc.is_null(titles)).to_pylist()
        if not lacking:
            return titles
        filled = titles.to_pylist()
        for row in lacking:
            said = description[row].as_py()
            filled[row] = clean_text(said, 80) if said else ""
            self._mend("title_from_description", bool(said))
            if not said:
                self._faults.setdefault(
                    row, ("missing_title", "expected a title or a description; found none")
                )
        return pa.array(filled, STRING)

    def _prices(self) -> tuple[pa.Array, pa.Array]:
        minor = self._take(clean_each(self._raw("price_minor"), _minor, pa.int64()))
        currency = self._take(clean_each(self._raw("currency"), _currency, STRING))
        if "price" not in self._mapped:
            default = self._config.default_currency
            priced = pc.if_else(pc.is_valid(minor), pc.fill_null(currency, default or ""), currency)
            return minor, pc.if_else(pc.equal(priced, ""), pa.scalar(None, STRING), priced)
        parsed = [
            self._price(row, raw, given or self._config.default_currency)
            for row, (raw, given) in enumerate(
                zip(self._raw("price").to_pylist(), currency.to_pylist(), strict=True)
            )
        ]
        minors = pc.coalesce(minor, pa.array([price.minor for price in parsed], pa.int64()))
        return minors, pa.array([price.currency for price in parsed], STRING)

    def _price(self, row: int, raw: Any, currency: str | None) -> ParsedPrice:
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            return ParsedPrice(None, currency)
        price = parse_price(raw if isinstance(raw, (str, int, float)) else str(raw), currency)
        if price.fault:
            self._faults.setdefault(row, ("bad_price", price.fault))
        return price

    def _attributes(self) -> pa.Array:
        extra = [name for name in self._table.column_names if name not in self._mapped.values()]
        rows: list[dict[str, str]] = [
            dict(fields.attribute_pairs(value)) for value in self._raw("attributes").to_pylist()
        ]
        for name in extra:
            for row, value in zip(rows, self._table.column(name).to_pylist(), strict=True):
                if text := fields.attribute_text(value):
                    row.setdefault(fields.attribute_text(name), text)
        bounded = [sorted(row.items())[: fields.MAX_ATTRIBUTES] or None for row in rows]
        return pa.array(bounded, ITEMS.field("attributes").type)

    def _mend(self, kind: str, happened: bool) -> None:
        if happened:
            self._mended[kind] = self._mended.get(kind, 0) + 1


def _minor(value: Any) -> int | None:
    if value is None or value == "":
        return None
    price = parse_price(value if isinstance(value, (str, int, float)) else str(value), None)
    if price.fault or price.minor is None:
        raise CellRefusedError("bad_price", price.fault)
    if price.minor % 100:
        raise CellRefusedError(
            "bad_price", f"expected a whole number of minor units; found {shown(str(value))}"
        )
    return price.minor // 100


def _currency(value: Any) -> str | None:
    if value is None or not str(value).strip():
        return None
    if (code := parse_currency(str(value))) is None:
        raise CellRefusedError("bad_currency", f"expected an ISO 4217 code; found {shown(str(value))}")
    return code
