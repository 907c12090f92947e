"""WooCommerce: the product export, where a variation names the product that it is one of."""

from __future__ import annotations

from typing import Any

from recsys.formats.cells import (
    Cell,
    changed,
    column,
    combined,
    first_listed,
    first_of,
    listed,
    longest_path,
    of_parent,
    text_of,
)
from recsys.formats.format import Format, Inherit, Kind

ATTRIBUTES = range(1, 11)
BY_ID = "id:"


def is_sold(published: Any, visibility: Any, in_stock: Any, backorders: Any) -> bool:
    """Published, not hidden, and in stock or sold beyond it."""
    if published is not None and text_of(published).strip().lower() not in ("1", "true", "yes"):
        return False
    if visibility is not None and text_of(visibility).strip().lower() == "hidden":
        return False
    orders = text_of(backorders).strip().lower() in ("1", "yes", "notify")
    return orders or in_stock is None or text_of(in_stock).strip().lower() not in ("0", "no", "false")


def category(value: Any) -> list[str]:
    """The longest of several paths: `A > B, C`; a comma within a name is escaped."""
    text = text_of(value).replace("\\,", "\x00")
    return [name.replace("\x00", ",") for name in longest_path(listed(text, ","))]


def variant_of(kind: Any, own: Any, parent: Any, parent_id: Any) -> str | None:
    """The id of the variable product, for itself and for its variations."""
    kinds = listed(text_of(kind).lower(), ",")
    if "variation" in kinds and parent is not None:
        return text_of(parent_id) or text_of(parent).strip().removeprefix(BY_ID)
    return text_of(own) if "variable" in kinds else None


def own_pairs(*cells: Any) -> list[tuple[str, str]]:
    """Names and values of a product's own attributes, such as `color: Blue`."""
    pairs = zip(cells[::2], cells[1::2], strict=True)
    return [(text_of(name).lower(), text_of(value)) for name, value in pairs if name and value is not None]


def _by_id(value: Any) -> str:
    return f"{BY_ID}{text_of(value).strip()}"


def _trimmed(value: Any) -> str:
    return text_of(value).strip()


ID = column("ID")
PARENT: Cell = changed(column("Parent"), _trimmed)
PAIRS = [column(name) for n in ATTRIBUTES for name in (f"Attribute {n} name", f"Attribute {n} value(s)")]
PRODUCTS = Format(
    name="woocommerce",
    kind=Kind.ITEMS,
    title="WooCommerce products",
    marks=(("ID", "SKU"), ("Type",), ("Name",), ("Published",), ("Regular price",)),
    inherit=Inherit(
        own=(changed(ID, _by_id), changed(column("SKU"), _trimmed)),
        parent=PARENT,
        columns=("Short description", "Description", "Categories", "Tags", "Images", "Brands"),
    ),
    fields={
        "item_id": first_of(ID, column("SKU")),
        "title": column("Name"),
        "description": column("Description", "Short description"),
        "category": changed(column("Categories"), category),
        "brand": first_listed(column("Brands"), ","),
        "price": column("Sale price", "Regular price"),
        "image_url": first_listed(column("Images"), ","),
        "available": combined(
            is_sold,
            column("Published"),
            column("Visibility in catalog"),
            column("In stock?"),
            column("Backorders allowed?"),
        ),
    },
    attributes={
        "variant_of": combined(variant_of, column("Type"), ID, PARENT, of_parent(ID)),
        "sku": column("SKU"),
        "tags": column("Tags"),
    },
    named_values=combined(own_pairs, *PAIRS),
)
FORMATS = (PRODUCTS,)
