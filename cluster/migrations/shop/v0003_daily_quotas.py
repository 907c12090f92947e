"""Keys may have a daily quota."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
KEYS = "api_keys"


def upgrade() -> None:
    """Add the column; keys that are there have no quota.

    A database from before keys has no such table, and a restored one may have it as it is now: both are
    left alone. The table of counts is new and makes itself.
    """
    looked = sa.inspect(op.get_bind())
    if not looked.has_table(KEYS):
        return
    if "daily_quota" not in {column["name"] for column in looked.get_columns(KEYS)}:
        op.add_column(KEYS, sa.Column("daily_quota", sa.BigInteger))
