"""Tables of the feedback loop, in the shop's database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, Table, Text

from cluster.database import METADATA

NUMBER = BigInteger().with_variant(Integer, "sqlite")

LOOP_RUNS_TABLE = Table(
    "loop_runs",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),  # in the order in which they began
    Column("run_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reasons", Text, nullable=False),  # JSON, as the next two
    Column("inputs", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("started_at_us", BigInteger, nullable=False),  # microseconds since 1970 UTC, as the next
    Column("ended_at_us", BigInteger),
    Column("ended_s", Float(53)),  # steady seconds, as the next
    Column("retry_at_s", Float(53)),
    Column("events_seq", BigInteger, nullable=False),
    Column("catalog_seq", BigInteger, nullable=False),
    Index("loop_runs_by_kind", "kind", "number"),
)
LOOP_LEASES_TABLE = Table(
    "loop_leases",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("holder", Text),  # NULL: free
    Column("token", BigInteger, nullable=False),  # grows with each holder
    Column("beat", BigInteger, nullable=False),  # grows while the holder lives
)
LOOP_REQUESTS_TABLE = Table(
    "loop_requests",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("kind", Text),  # NULL: what the policy says
    Column("asked_at_us", BigInteger, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("answer", Text, nullable=False),  # JSON
)
LOOP_STATE_TABLE = Table(
    "loop_state",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
)
TABLES = [LOOP_RUNS_TABLE, LOOP_LEASES_TABLE, LOOP_REQUESTS_TABLE, LOOP_STATE_TABLE]
