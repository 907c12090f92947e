"""How many requests each key has made on each day, summed over the machines that count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    Table,
    Text,
    case,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from cluster.database import METADATA, reading, writing

KEPT_DAYS = 35
"""Days of which counts are kept, the present one included."""
USAGE_TABLE = Table(
    "api_key_usage",
    METADATA,
    Column("key_id", Text, primary_key=True),
    Column("day", Integer, primary_key=True),  # UTC days since 1970
    Column("counter", BigInteger, primary_key=True, autoincrement=False),  # see `CountedUse`
    Column("requests", BigInteger, nullable=False),
)
U = USAGE_TABLE.c


@dataclass(frozen=True)
class CountedUse:
    """What one counter has counted of a key on a day, from the day's beginning.

    A counter is a random number that only one machine uses, for one key and day. It tells its whole count
    each time and never a difference: told twice, or told again after an answer that was lost, it is the same.
    """

    key_id: str
    day: int
    counter: int
    requests: int


@dataclass(frozen=True)
class DayUse:
    """A key's requests on one day, all machines together."""

    key_id: str
    day: int
    requests: int


class UsageStore:
    """Counts of requests. Thread-safe; there is nothing of a person in them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def exchange(self, counted: Sequence[CountedUse], day: int) -> list[CountedUse]:
        """Keep these counts and return what all counters have counted on `day`; raises `StoreError`.

        A count never goes down: of two that one counter tells, the larger stays, in whatever order they come.
        With nothing to keep it only reads.
        """
        if not counted:
            with reading(self._engine) as connection:
                return _of_day(connection, day)
        with writing(self._engine) as connection:
            self._keep(connection, counted)
            return _of_day(connection, day)

    def since(self, day: int, key_id: str | None = None) -> list[DayUse]:
        """Use by day and key from `day` on, the oldest first; days without a request are absent."""
        wanted = select(U.key_id, U.day, func.sum(U.requests)).where(day <= U.day)
        if key_id is not None:
            wanted = wanted.where(U.key_id == key_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.group_by(U.key_id, U.day).order_by(U.day, U.key_id))
            return [DayUse(found, at, int(requests)) for found, at, requests in rows]

    def forget_before(self, day: int) -> int:
        """Remove the counts of days before `day`; how many rows there were. Raises `StoreError`."""
        with writing(self._engine) as connection:
            return int(connection.execute(delete(USAGE_TABLE).where(day > U.day)).rowcount)

    def _keep(self, connection: Connection, counted: Iterable[CountedUse]) -> None:
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(USAGE_TABLE)
        told = statement.excluded.requests
        larger = case((told > U.requests, told), else_=U.requests)
        names = ("key_id", "day", "counter")
        # In one order, so that two replicas which tell the same counters never wait for each other.
        rows = sorted((vars(one) for one in counted), key=lambda row: [row[name] for name in names])
        update = statement.on_conflict_do_update(index_elements=names, set_={"requests": larger})
        connection.execute(update, rows)


def _of_day(connection: Connection, day: int) -> list[CountedUse]:
    rows = connection.execute(select(U.key_id, U.day, U.counter, U.requests).where(U.day == day))
    return [CountedUse(*row) for row in rows]
