"""How each event field, and each event type, is called elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from recsys.columns.cells import CellRefusedError, shown

ALIASES: dict[str, tuple[str, ...]] = {
    "event_id": ("feedback_id", "insert_id", "uuid", "message_id"),
    "user_id": ("user", "uid", "customer_id", "userid", "reviewer_id", "member_id"),
    "visitor_id": ("visitor", "anonymous_id", "client_id", "device_id", "cookie_id"),
    "session_id": ("session", "visit_id"),
    "item_id": ("item", "product_id", "parent_asin", "asin", "sku", "article_id", "product"),
    "event_type": ("event", "type", "action", "feedback_type", "event_name", "behavior"),
    "value": ("rating", "stars", "score", "event_value", "overall", "quantity", "amount", "progress"),
    "review_text": ("review", "text", "comment", "review_body", "body"),
    "recommendation_id": ("recommendation",),
    "position": ("rank", "pos"),
    "occurred_at": ("timestamp", "ts", "time", "created_at", "event_time", "date", "unix_review_time"),
    "received_at": (),
}
TYPE_ALIASES = {
    "purchased": "purchase", "buy": "purchase", "bought": "purchase", "order": "purchase", "sale": "purchase",
    "transaction": "purchase", "checkout": "purchase", "purchase_complete": "purchase",
    "cart": "add_to_cart", "addtocart": "add_to_cart", "add_cart": "add_to_cart", "basket": "add_to_cart",
    "removefromcart": "remove_from_cart", "remove_cart": "remove_from_cart",
    "page_view": "view", "pageview": "view", "detail_page_view": "view", "product_view": "view",
    "viewed": "view", "read": "view", "pv": "view",
    "watch": "view", "watched": "view", "play": "view", "played": "view",
    "clicked": "click", "star": "like", "liked": "like", "fav": "like", "favorite": "like",
    "favourite": "like", "wishlist": "like",
    "dislike": "dismiss", "hide": "dismiss", "not_interested": "dismiss",
    "rate": "rating", "rated": "rating", "comment": "review", "reviewed": "review",
    "refund": "return", "returned": "return", "show": "impression", "shown": "impression",
}  # fmt: skip
SEPARATORS = re.compile(r"[^a-z0-9]+")
MAX_REVIEW_CHARS = 5_000
MAX_STARS = 10.0
NO_NAMES: Mapping[str, str] = {}


def event_type(value: Any, known: frozenset[str], chosen: Mapping[str, str] = NO_NAMES) -> str:
    """The product's name of an event type, `chosen` first; raises `CellRefusedError` for one that is none."""
    if value is None or not str(value).strip():
        raise CellRefusedError("unknown_event_type", "expected an event type; found none")
    text = str(value).strip()
    text = chosen.get(text, text)
    if text in known:
        return text
    name = SEPARATORS.sub("_", text.lower()).strip("_")
    name = TYPE_ALIASES.get(name, TYPE_ALIASES.get(name.replace("_", ""), name))
    if name not in known:
        expected = ", ".join(sorted(known))
        raise CellRefusedError("unknown_event_type", f"expected one of {expected}; found {shown(text)}")
    return name
