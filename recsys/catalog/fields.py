"""How each item field is called elsewhere, and how its values are read."""

from __future__ import annotations

import json
import re
from typing import Any

from recsys.catalog.text_cleaning import clean_text
from recsys.columns.cells import CellRefusedError, shown

ALIASES: dict[str, tuple[str, ...]] = {
    "item_id": (
        "id",
        "product_id",
        "sku",
        "asin",
        "parent_asin",
        "handle",
        "article_id",
        "itemid",
        "item",
        "商品编号",
        "商品id",
        "编号",
        "货号",
    ),
    "title": ("name", "product_name", "product_title", "item_name", "label", "商品名称", "名称", "标题"),
    "description": (
        "desc",
        "body_html",
        "body",
        "product_description",
        "details",
        "text",
        "summary",
        "商品描述",
        "描述",
    ),
    "category": (
        "categories",
        "category_path",
        "product_type",
        "type",
        "google_product_category",
        "category_name",
        "department",
        "genre",
        "genres",
        "类目",
        "分类",
    ),
    "brand": ("vendor", "manufacturer", "brand_name", "maker", "品牌"),
    "price_minor": ("price_cents", "unit_price_minor"),
    "price": ("sale_price", "regular_price", "unit_price", "amount", "list_price", "价格"),
    "currency": ("currency_code", "price_currency"),
    "image_url": ("image", "image_link", "image_src", "images", "picture", "thumbnail", "图片"),
    "available": ("in_stock", "availability", "is_available", "stock_status", "stock", "quantity", "库存"),
    "attributes": ("properties",),
    "created_at": ("created", "creation_timestamp", "date_added", "added_at"),
    "updated_at": ("updated", "modified_at", "last_modified", "timestamp", "ts"),
}
MAX_ATTRIBUTES = 64
MAX_ATTRIBUTE_CHARS = 1_000
MAX_SHORT_CHARS = 200
MAX_PATH_PARTS = 20
PATH_MARKS = re.compile(r"\s*(?:>|\||»|/|::)\s*")
YES = frozenset(
    {"true", "yes", "y", "t", "in stock", "instock", "available", "active", "preorder", "backorder"}
)
NO = frozenset(
    {"false", "no", "n", "f", "out of stock", "outofstock", "oos", "unavailable", "sold out", "discontinued"}
)


def long_text(value: Any) -> str:
    """A field of any length as text, not cleaned yet; a list is read as its paragraphs."""
    if isinstance(value, (list, tuple)):
        return " ".join(long_text(part) for part in value)
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, default=str, ensure_ascii=False)


def short_text(value: Any) -> str | None:
    """A one-line field; absent when nothing is left of it."""
    text = value if isinstance(value, str) or value is None else json.dumps(value, default=str)
    return (clean_text(text, MAX_SHORT_CHARS) or None) if text else None


def category_path(value: Any) -> str | None:
    """A path joined by `/` from a list, or from text with any usual separator; the longest of several."""
    if isinstance(value, (list, tuple)):
        nested = [part for part in value if isinstance(part, (list, tuple))]
        parts = max(nested, key=len) if nested else value
        cleaned = [clean_text(str(part), MAX_SHORT_CHARS).replace("/", " ") for part in parts if part]
        names = [name for part in cleaned for name in PATH_MARKS.split(part)]
    elif isinstance(value, str):
        names = PATH_MARKS.split(clean_text(value, 4 * MAX_SHORT_CHARS))
    else:
        names = [] if value is None else PATH_MARKS.split(clean_text(str(value), MAX_SHORT_CHARS))
    return "/".join([name.strip() for name in names if name.strip()][:MAX_PATH_PARTS]) or None


def availability(value: Any) -> bool:
    """Whether an item can be bought: yes unless the shop says no; a quantity must be above 0."""
    if value is None or value == "":
        return True
    if isinstance(value, (bool, int, float)):
        return value > 0
    text = str(value).strip().casefold().replace("_", " ").replace("-", " ").rsplit("/", 1)[-1]
    if text in YES or text in NO:
        return text in YES
    try:
        return float(text) > 0
    except ValueError:
        raise CellRefusedError("bad_available", f"expected yes or no; found {shown(value)}") from None


def image_url(value: Any) -> str | None:
    """A web address or a path in the shop; anything that could run or read elsewhere is dropped."""
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    if isinstance(first, dict):  # sizes of one picture
        first = next((url for url in first.values() if isinstance(url, str) and url), None)
    text = str(first).strip() if isinstance(first, str) else ""
    safe = text.startswith(("http://", "https://")) or (":" not in text.split("/")[0] and text)
    return text[:2_000] if safe and not re.search(r"[\s<>\"\x00-\x1f]", text) else None


def attribute_pairs(value: Any) -> list[tuple[str, str]]:
    """Name and value pairs from a map, an object, or JSON text of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = {"attributes": value}
    if value is None:
        return []
    if isinstance(value, dict):
        value = list(value.items())
    if not isinstance(value, list) or not all(isinstance(pair, (list, tuple)) for pair in value):
        value = [("attributes", value)]
    pairs = [pair for pair in value if len(pair) == 2]
    cleaned = [(attribute_text(name), attribute_text(text)) for name, text in pairs]
    return [(name, text) for name, text in cleaned if name and text]


def attribute_text(value: Any) -> str:
    """An attribute's value as bounded text; nested values as JSON."""
    if value is None or value != value:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return clean_text(text, MAX_ATTRIBUTE_CHARS)
