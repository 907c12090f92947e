"""Google Cloud Retail (Vertex AI Search for commerce): products and user events as JSON lines."""

from __future__ import annotations

from typing import Any

from recsys.formats.cells import (
    changed,
    column,
    combined,
    first_of,
    inside,
    listed,
    longest_path,
    opened,
    part,
    text_of,
)
from recsys.formats.format import Format, Kind

EVENT_TYPES = {"detail-page-view": "view", "purchase-complete": "purchase"}
NO_ITEM = frozenset(
    {"home-page-view", "category-page-view", "search", "shopping-cart-page-view"}
    | {"promotion-offered", "promotion-not-offered"}
)
"""Events about a page; what stands in a cart was put there by an event of its own."""
UNSAID = "AVAILABILITY_UNSPECIFIED"


def event_type(value: Any) -> str:
    """A type of theirs as one that cleaning knows."""
    text = text_of(value)
    return EVENT_TYPES.get(text, text)


def last_name(value: Any) -> str:
    """The id at the end of a resource's full name; an id as it is."""
    return text_of(value).rsplit("/products/", 1)[-1]


def variant_of(kind: Any, own: Any, primary: Any) -> str | None:
    """What a product's variants have in common: the id of the one that stands for all."""
    if primary is not None:
        return text_of(primary)
    return last_name(own) if kind == "PRIMARY" and own is not None else None


def custom_attributes(value: Any) -> list[tuple[str, str]]:
    """`{"name": {"text": [...]}}` and `{"name": {"numbers": [...]}}` as names and texts."""
    found = opened(value)
    pairs = found.items() if isinstance(found, dict) else ()
    said = ((name, opened(one)) for name, one in pairs)
    return [
        (name, ", ".join(listed(one.get("text") or one.get("numbers"), "\n")))
        for name, one in said
        if isinstance(one, dict) and (one.get("text") or one.get("numbers"))
    ]


def texts(value: Any) -> str:
    """A list as one text."""
    return ", ".join(listed(value, "\n"))


ID = first_of(column("id"), column("name"))
PRICE = column("priceInfo")
PRODUCTS = Format(
    name="retail",
    kind=Kind.ITEMS,
    title="Google Retail products",
    marks=(("title",), ("priceInfo", "primaryProductId", "availableTime", "publishTime", "languageCode")),
    fields={
        "item_id": changed(ID, last_name),
        "title": column("title"),
        "description": column("description"),
        "category": changed(column("categories"), lambda value: longest_path(listed(value, "\n"))),
        "brand": inside(column("brands"), 0),
        "price": inside(PRICE, "price"),
        "currency": inside(PRICE, "currencyCode"),
        "image_url": inside(column("images"), 0, "uri"),
        "available": changed(column("availability"), lambda value: None if value == UNSAID else value),
        "created_at": column("availableTime", "publishTime"),
    },
    attributes={
        "variant_of": combined(variant_of, column("type"), ID, column("primaryProductId")),
        "color": changed(inside(column("colorInfo"), "colors"), texts),
        "size": changed(column("sizes"), texts),
        "material": changed(column("materials"), texts),
        "pattern": changed(column("patterns"), texts),
        "condition": changed(column("conditions"), texts),
        "tags": changed(column("tags"), texts),
        "gtin": column("gtin"),
        "uri": column("uri"),
    },
    named_values=changed(column("attributes"), custom_attributes),
)
USER_EVENTS = Format(
    name="retail",
    kind=Kind.EVENTS,
    title="Google Retail user events",
    marks=(("eventType",), ("visitorId",)),
    each=column("productDetails"),
    skipped={"not_about_an_item": changed(column("eventType"), lambda value: text_of(value) in NO_ITEM)},
    fields={
        "user_id": inside(column("userInfo"), "userId"),
        "visitor_id": column("visitorId"),
        "session_id": column("sessionId"),
        "item_id": changed(first_of(part("product", "id"), part("product", "name")), last_name),
        "event_type": changed(column("eventType"), event_type),
        "value": part("quantity"),
        "occurred_at": column("eventTime"),
    },
)
FORMATS = (USER_EVENTS, PRODUCTS)
