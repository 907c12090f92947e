"""The price of each row, from whichever of its columns says it."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from recsys.catalog.prices import ParsedPrice, parse_currency, parse_minor, parse_price
from recsys.columns import CleanColumn, Faults, clean_each, plain_values
from recsys.columns.cells import CellRefusedError, shown
from recsys.schemas import STRING


def clean_prices(
    minor: pa.ChunkedArray, price: pa.ChunkedArray, currency: pa.ChunkedArray, default: str | None
) -> tuple[CleanColumn, CleanColumn]:
    """Prices in minor units and their currencies; a price in minor units wins over one in words.

    `default` is the currency of a price that names none. Faults `bad_price`, `bad_currency`.
    """
    minors, currencies = clean_each(minor, _minor, pa.int64()), clean_each(currency, _currency, STRING)
    if price.null_count == len(price) and (default is None or minors.values.null_count == len(price)):
        return minors, currencies
    faults: Faults = {}
    found: list[ParsedPrice] = []
    rows = zip(minors.values.to_pylist(), currencies.values.to_pylist(), plain_values(price), strict=True)
    for row, (stated, named, raw) in enumerate(rows):
        parsed = _row(stated, named, raw, default)
        found.append(parsed)
        if parsed.fault and row not in minors.faults:
            faults[row] = ("bad_price", parsed.fault)
    return (
        CleanColumn(pa.array([p.minor for p in found], pa.int64()), {**faults, **minors.faults}),
        CleanColumn(pa.array([p.currency for p in found], STRING), currencies.faults),
    )


def _row(stated: int | None, named: str | None, raw: Any, default: str | None) -> ParsedPrice:
    if stated is not None:
        return ParsedPrice(stated, named or default)
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return ParsedPrice(None, named)
    return parse_price(raw if isinstance(raw, (str, int, float)) else str(raw), named or default)


def _minor(value: Any) -> int | None:
    if value is None or value == "":
        return None
    price = parse_minor(value)
    if price.fault:
        raise CellRefusedError("bad_price", price.fault)
    return price.minor


def _currency(value: Any) -> str | None:
    if value is None or not str(value).strip():
        return None
    if (code := parse_currency(str(value))) is None:
        raise CellRefusedError("bad_currency", f"expected an ISO 4217 code; found {shown(str(value))}")
    return code
