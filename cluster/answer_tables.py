"""Tables of what serving itself writes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

from cluster.tombstone_table import TOMBSTONES_TABLE

METADATA = MetaData()
Table("schema_serving", METADATA, Column("version_num", String(32), primary_key=True))
ANSWERS_TABLE = Table(
    "answers",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("recommendation_id", Text, nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),  # microseconds since 1970 UTC
    Column("unit", Text, nullable=False),
    Column("scenario", Text, nullable=False),
    Column("index_version", Text, nullable=False),
    Column("body", Text, nullable=False),  # JSON of the rest
    Index("answers_by_time", "at"),
    Index("answers_by_unit", "unit"),
)
REPLICAS_TABLE = Table(
    "replicas",
    METADATA,
    Column("replica_id", Text, primary_key=True),
    Column("beat", BigInteger, nullable=False),  # grows while the replica lives
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # JSON: versions and what became of their requests
)
TOMBSTONES_TABLE.to_metadata(METADATA)  # the same table where both are one database
