"""Amazon Personalize: the CSV files of its data sets."""

from __future__ import annotations

import re
from typing import Any

from recsys.formats.cells import changed, column, combined, constant, first_of, listed, text_of
from recsys.formats.format import Format, Kind

MARK = "|"
SENTENCE = re.compile(r"(?<=[.!?])\s")
EVENT_TYPES = {"watch": "view", "stream": "view", "download": "purchase"}
"""Names of its video domain, which a shop does not have."""
LEVELS = tuple(f"CATEGORY_L{level}" for level in range(1, 6))


def event_type(value: Any) -> str:
    """Its event types are a shop's own words; cleaning knows the usual ones."""
    text = text_of(value).strip()
    return EVENT_TYPES.get(text.lower(), text)


def first_sentence(value: Any) -> str:
    """The beginning of a description, where an item has no other name."""
    return SENTENCE.split(text_of(value).strip(), maxsplit=1)[0]


def category(genres: Any, *levels: Any) -> list[str] | None:
    """The levels of the shop's domain, or the first genre: genres stand beside each other."""
    path = [name for level in levels if level is not None for name in listed(level, MARK)[:1]]
    return path or (listed(genres, MARK)[:1] if genres is not None else None)


DESCRIPTION = column("PRODUCT_DESCRIPTION", "DESCRIPTION", "ITEM_DESCRIPTION")
ITEMS = Format(
    name="personalize",
    kind=Kind.ITEMS,
    title="Amazon Personalize items",
    marks=(
        ("ITEM_ID",),
        ("CREATION_TIMESTAMP", "GENRES", "PRICE", "PRODUCT_DESCRIPTION", "DESCRIPTION", "TITLE", *LEVELS[:1]),
    ),
    absent=("USER_ID",),
    fields={
        "item_id": column("ITEM_ID"),
        "title": first_of(
            column("TITLE", "NAME", "PRODUCT_NAME", "ITEM_NAME", "PRODUCT_TITLE"),
            changed(DESCRIPTION, first_sentence),
        ),
        "description": DESCRIPTION,
        "category": combined(category, column("GENRES"), *(column(level) for level in LEVELS)),
        "brand": column("BRAND", "PRODUCT_BRAND"),
        "price": column("PRICE"),
        "currency": column("CURRENCY"),
        "image_url": column("IMAGE_URL", "IMAGE"),
        "available": column("AVAILABLE", "IN_STOCK"),
        "created_at": column("CREATION_TIMESTAMP"),
    },
    attributes={"GENRES": column("GENRES")},
    keeps_rest=True,
)
INTERACTIONS = Format(
    name="personalize",
    kind=Kind.EVENTS,
    title="Amazon Personalize interactions",
    marks=(("USER_ID",), ("ITEM_ID",), ("TIMESTAMP",)),
    fields={
        "user_id": column("USER_ID"),
        "item_id": column("ITEM_ID"),
        # Without types every row is one positive interaction.
        "event_type": first_of(changed(column("EVENT_TYPE"), event_type), constant("click")),
        "value": column("EVENT_VALUE"),
        "recommendation_id": column("RECOMMENDATION_ID"),
        "occurred_at": column("TIMESTAMP"),
    },
)
USERS = Format(
    name="personalize",
    kind=Kind.USERS,
    title="Amazon Personalize users",
    marks=(("USER_ID",),),
    absent=("ITEM_ID", "EVENT_TYPE"),
)
FORMATS = (INTERACTIONS, ITEMS, USERS)
