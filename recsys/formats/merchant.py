"""Google Merchant Center: a product feed as tab-separated text or as XML (RSS, Atom)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from recsys.columns.times import parse_time
from recsys.formats.cells import changed, column, combined, first_listed, first_of, opened, text_of
from recsys.formats.format import Format, Kind


def price_now(regular: Any, sale: Any, period: Any) -> Any:
    """The sale's price while the sale is on, else the regular one."""
    if sale is None or (period is not None and not _is_on(text_of(period))):
        return regular
    return sale


def product_type(value: Any) -> str:
    """The first of several."""
    found = opened(value)
    return text_of(found[0] if isinstance(found, list) and found else found)


def named_category(value: Any) -> str | None:
    """A category of Google's by its name; a bare number says nothing to a reader."""
    return None if text_of(value).strip().isdecimal() else text_of(value)


def _is_on(period: str) -> bool:
    begins, _, ends = period.partition("/")
    first, last = parse_time(begins.strip()), parse_time(ends.strip())
    now = datetime.now(UTC)
    return first is not None and last is not None and first <= now <= last


FEED = Format(
    name="merchant",
    kind=Kind.ITEMS,
    title="Google Merchant feed",
    marks=(
        ("id",),
        ("title",),
        ("link",),
        ("image_link", "image link"),
        ("availability", "item_group_id", "item group id"),
    ),
    fields={
        "item_id": column("id"),
        "title": column("title"),
        "description": column("description"),
        "category": first_of(
            changed(column("product_type"), product_type),
            changed(column("google_product_category"), named_category),
        ),
        "brand": column("brand"),
        "price": combined(
            price_now, column("price"), column("sale_price"), column("sale_price_effective_date")
        ),
        "image_url": first_listed(column("image_link"), ","),
        "available": column("availability"),
    },
    attributes={
        "variant_of": column("item_group_id"),
        "google_product_category": column("google_product_category"),
    },
    keeps_rest=True,
    withheld=("cost_of_goods_sold", "auto_pricing_min_price", "ads_redirect", "ads_labels", "ads_grouping"),
)
FORMATS = (FEED,)
