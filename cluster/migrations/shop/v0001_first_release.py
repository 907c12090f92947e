"""The tables of the first release, as it made them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
TEXT, NUMBER = sa.Text, sa.BigInteger
ID = sa.Text().with_variant(sa.String(collation="C"), "postgresql")
ROWID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them."""
    op.create_table("counters", _key("name", TEXT), _must("value", NUMBER))
    _items()
    _events()
    op.create_table("visitor_owners", _key("visitor_key", ID), _must("user_key", ID))
    op.create_index("ix_visitor_owners_user_key", "visitor_owners", ["user_key"])
    _controls()


def _items() -> None:
    change = (_must("change_seq", NUMBER), _must("deleted", sa.Boolean))
    op.create_table("items", _key("item_id", ID), *_content(), *change)
    op.create_index("ix_items_change_seq", "items", ["change_seq"])
    op.create_table("staged_items", _key("run_id", TEXT), _key("item_id", ID), *_content())


def _content() -> list[sa.Column[Any]]:
    texts = ("description", "category", "brand")
    return [
        _must("title", TEXT),
        *(_may(name, TEXT) for name in texts),
        _may("price_minor", NUMBER),
        _may("currency", TEXT),
        _may("image_url", TEXT),
        _must("available", sa.Boolean),
        _may("attributes", TEXT),
        _may("created_at", NUMBER),
        _may("updated_at", NUMBER),
        _must("content_hash", TEXT),
    ]


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", ROWID, primary_key=True, autoincrement=False),
        sa.Column("event_id", ID, nullable=False, unique=True),
        _must("user_key", ID),
        *(_may(name, TEXT) for name in ("user_id", "visitor_id", "session_id")),
        _must("item_id", TEXT),
        _must("event_type", TEXT),
        _may("value", sa.Float),
        _may("review_text", TEXT),
        _may("recommendation_id", TEXT),
        _may("position", sa.Integer),
        _must("occurred_at", NUMBER),
        _must("received_at", NUMBER),
    )
    op.create_index("events_by_user", "events", ["user_key", "seq"])


def _controls() -> None:
    op.create_table(
        "control_documents",
        _key("kind", TEXT),
        _key("name", ID),
        _must("body", TEXT),
        _must("revision", sa.Integer),
        _must("change_seq", NUMBER),
        _must("deleted", sa.Boolean),
        _must("updated_at", NUMBER),
        _must("updated_by", TEXT),
    )
    op.create_index("ix_control_documents_change_seq", "control_documents", ["change_seq"])
    op.create_table(
        "control_audit",
        sa.Column("seq", ROWID, primary_key=True, autoincrement=False),
        _must("at", NUMBER),
        *(_must(name, TEXT) for name in ("actor", "action", "kind", "name")),
        _may("before", TEXT),
        _may("after", TEXT),
        _must("note", TEXT),
    )


def _key(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True)


def _must(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _may(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind)
