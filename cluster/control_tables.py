"""Tables of what a shop's people decide: documents by kind and name, and the log of every change."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, Table, Text

from cluster.database import ID, METADATA

CONTROLS_TABLE = Table(
    "control_documents",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("name", ID, primary_key=True),
    Column("body", Text, nullable=False),  # JSON
    Column("revision", Integer, nullable=False),
    Column("change_seq", BigInteger, nullable=False, index=True),
    Column("deleted", Boolean, nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # microseconds since 1970 UTC
    Column("updated_by", Text, nullable=False),
)
AUDIT_TABLE = Table(
    "control_audit",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("before", Text),  # JSON
    Column("after", Text),  # JSON
    Column("note", Text, nullable=False),
)
COUNTER = "controls"
