"""Gorse: what its dashboard exports (JSON Lines, CSV in older releases)."""

from __future__ import annotations

from typing import Any

from recsys.formats.cells import Cell, changed, column, first_of, inside, listed, text_of
from recsys.formats.format import Format, Kind

MARK = "|"
UNSET = "0001-01-01"
"""The moment that stands where none was given."""


def moment(value: Any) -> Any:
    """A time, None where it was never set."""
    return None if text_of(value).startswith(UNSET) else value


def categories_text(value: Any) -> str | None:
    """`|a|b|`: every category with a mark on both sides, so that a filter can ask for one of them."""
    names = listed(value, MARK)
    return f"{MARK}{MARK.join(names)}{MARK}" if names else None


def is_shown(value: Any) -> bool:
    """Whether an item is not hidden."""
    return text_of(value).strip().lower() not in ("true", "1", "yes")


def first_line(value: Any) -> str:
    """A comment as a title: its first line."""
    return next(iter(text_of(value).strip().splitlines()), "")


def given(value: Any) -> Any:
    """A feedback's value; 0 is what stands where none was given."""
    return None if text_of(value).strip() in ("0", "0.0") else value


LABELS = column("Labels")
COMMENT = column("Comment", "description")
CATEGORIES = column("Categories")
TIME: Cell = changed(column("Timestamp", "time_stamp"), moment)

ITEMS = Format(
    name="gorse",
    kind=Kind.ITEMS,
    title="Gorse items",
    marks=(("ItemId", "item_id"), ("IsHidden", "is_hidden"), ("Categories", "categories")),
    fields={
        "item_id": column("ItemId"),
        "title": first_of(inside(LABELS, "title"), inside(LABELS, "name"), changed(COMMENT, first_line)),
        "description": COMMENT,
        "category": changed(CATEGORIES, lambda value: listed(value, MARK)[:1]),
        "available": changed(column("IsHidden"), is_shown),
        "created_at": TIME,
    },
    attributes={"categories": changed(CATEGORIES, categories_text), "labels": LABELS},
)
FEEDBACK = Format(
    name="gorse",
    kind=Kind.EVENTS,
    title="Gorse feedback",
    marks=(
        ("FeedbackType", "feedback_type"),
        ("UserId", "user_id"),
        ("ItemId", "item_id"),
        ("Timestamp", "time_stamp"),
    ),
    fields={
        "user_id": column("UserId"),
        "item_id": column("ItemId"),
        "event_type": column("FeedbackType"),
        "value": changed(column("Value"), given),
        "review_text": column("Comment"),
        "occurred_at": TIME,
    },
)
USERS = Format(
    name="gorse",
    kind=Kind.USERS,
    title="Gorse users",
    marks=(("UserId",), ("Labels", "Comment")),
    absent=("ItemId",),
)
FORMATS = (ITEMS, FEEDBACK, USERS)
