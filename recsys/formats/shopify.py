"""Shopify: the product export, a row for each variant and each further picture, and the orders export."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from recsys.formats.cells import (
    Cell,
    changed,
    column,
    combined,
    constant,
    first_of,
    joined,
    of_parent,
    text_of,
)
from recsys.formats.format import Format, Inherit, Kind

DEFAULT = "default title"
"""The only option's value of a product without options."""
OPTIONS = (1, 2, 3)
SOLD_BEYOND = ("continue", "true")


def option(value: Any) -> str | None:
    """The value of an option, None where there is none to choose."""
    text = text_of(value).strip()
    return None if text.lower() == DEFAULT else text


def sku(value: Any) -> str:
    """A stock number without the quote that keeps spreadsheets from reading it as a number."""
    return text_of(value).strip().removeprefix("'")


def person(value: Any) -> str:
    """SHA-256 of an address in small letters: the export names a buyer by nothing else.

    A page that signs people in can compute the same; the address itself is not kept.
    """
    return sha256(text_of(value).strip().lower().encode("utf-8", "replace")).hexdigest()


def is_sold(status: Any, published: Any, stock: Any, policy: Any, tracker: Any) -> bool:
    """Active, published, and in stock where stock is counted and nothing is sold beyond it."""
    if status is not None and text_of(status).strip().lower() != "active":
        return False
    if published is not None and text_of(published).strip().lower() in ("false", "no", "0"):
        return False
    counted = tracker is not None and stock is not None and text_of(policy).strip().lower() not in SOLD_BEYOND
    return not counted or _number(stock) > 0


def option_pairs(*cells: Any) -> list[tuple[str, str]]:
    """Names and values of options, such as `color: Red`."""
    pairs = zip(cells[::2], cells[1::2], strict=True)
    return [(text_of(name).lower(), found) for name, value in pairs if name and (found := option(value))]


def _number(value: Any) -> float:
    try:
        return float(text_of(value))
    except ValueError:
        return 1.0


def _nothing_to_sell(price: Any, number: Any, *options: Any) -> bool:
    return price is None and number is None and not any(one is not None for one in options)


IMAGE = column("Image Src", "Product image URL")
HANDLE = column("Handle", "URL handle")
SKU = changed(column("Variant SKU", "SKU"), sku)
PRICE = column("Variant Price", "Price")
NAMES = [column(f"Option{number} Name") for number in OPTIONS]
RAW_VALUES = [column(f"Option{number} Value") for number in OPTIONS]
VALUES: list[Cell] = [changed(value, option) for value in RAW_VALUES]
CHOICE = joined(" / ", *VALUES)
PRODUCTS = Format(
    name="shopify",
    kind=Kind.ITEMS,
    title="Shopify products",
    marks=(("Handle", "URL handle"), ("Title",), ("Vendor",), ("Variant Price", "Price")),
    inherit=Inherit(
        own=(HANDLE,),
        parent=HANDLE,
        columns=(
            *("Title", "Body (HTML)", "Description", "Vendor", "Product Category", "Type", "Tags"),
            *("Published", "Published on online store", "Status", "Image Src", "Product image URL"),
            *(f"Option{number} Name" for number in OPTIONS),
        ),
    ),
    skipped={"picture_row": combined(_nothing_to_sell, PRICE, SKU, *RAW_VALUES)},
    fields={
        "item_id": first_of(SKU, joined("/", HANDLE, *VALUES)),
        "title": joined(" - ", column("Title"), CHOICE),
        "description": column("Body (HTML)", "Description"),
        "category": column("Product Category", "Type"),
        "brand": column("Vendor"),
        "price": PRICE,
        # A further row of a product may hold a further picture, which need not be of its variant.
        "image_url": first_of(column("Variant Image", "Variant image URL"), of_parent(IMAGE), IMAGE),
        "available": combined(
            is_sold,
            column("Status"),
            column("Published", "Published on online store"),
            column("Variant Inventory Qty", "Inventory quantity"),
            column("Variant Inventory Policy", "Continue selling when out of stock"),
            column("Variant Inventory Tracker", "Inventory tracker"),
        ),
    },
    attributes={
        "variant_of": combined(lambda handle, choice: handle if choice else None, HANDLE, CHOICE),
        "handle": HANDLE,
        "tags": column("Tags"),
        "type": column("Type"),
        "barcode": changed(column("Variant Barcode", "Barcode"), sku),
    },
    named_values=combined(
        option_pairs, *(cell for pair in zip(NAMES, RAW_VALUES, strict=True) for cell in pair)
    ),
)
ORDER = column("Name")
FINANCIAL = changed(column("Financial Status"), lambda value: text_of(value).strip().lower())
ORDERS = Format(
    name="shopify",
    kind=Kind.EVENTS,
    title="Shopify orders",
    marks=(("Name",), ("Lineitem quantity",), ("Lineitem name",)),
    inherit=Inherit(
        own=(ORDER,),
        parent=ORDER,
        columns=("Email", "Phone", "Financial Status", "Paid at", "Created at", "Cancelled at"),
    ),
    skipped={
        "no_line_item": changed(joined("", column("Lineitem name"), constant(" ")), lambda text: text == " "),
        "cancelled": changed(column("Cancelled at"), lambda value: True),
        "refunded": changed(FINANCIAL, ("refunded", "voided").__contains__),
    },
    fields={
        "user_id": changed(column("Email", "Phone"), person),
        "item_id": changed(column("Lineitem sku"), sku),
        "event_type": constant("purchase"),
        "value": column("Lineitem quantity"),
        "occurred_at": column("Created at", "Paid at"),
    },
)
FORMATS = (ORDERS, PRODUCTS)
