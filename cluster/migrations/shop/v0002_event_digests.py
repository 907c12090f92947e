"""Every event gets a digest of its row; rows deleted on purpose are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cluster.database import COUNT_REMOVALS
from cluster.event_digest import DIGESTED, event_digest

revision = "0002"
down_revision = "0001"
PAGE = 20_000
COLUMNS = ", ".join(f'"{name}"' for name in DIGESTED)


def upgrade() -> None:
    """Add the column, fill it from the rows as they are, and begin to count removals."""
    op.add_column("events", sa.Column("digest", sa.BigInteger, nullable=False, server_default="0"))
    connection = op.get_bind()
    page = sa.text(f"SELECT {COLUMNS} FROM events WHERE seq > :seq ORDER BY seq LIMIT {PAGE}")
    fill = sa.text("UPDATE events SET digest = :digest WHERE seq = :seq")
    seq = 0
    while rows := connection.execute(page, {"seq": seq}).all():
        connection.execute(fill, [{"seq": row[0], "digest": event_digest(tuple(row))} for row in rows])
        seq = rows[-1][0]
    # Gaps from before are nobody's loss: an erasure may have made them.
    gaps = sa.text(
        "INSERT INTO counters (name, value) SELECT 'events_removed', "
        "COALESCE((SELECT value FROM counters WHERE name = 'events'), 0) - (SELECT count(*) FROM events)"
    )
    connection.execute(gaps)
    for statement in COUNT_REMOVALS[connection.dialect.name]:
        connection.execute(sa.text(statement))
