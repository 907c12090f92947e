"""Who may write: a lease with a fencing token, whose holder shows that it lives by a growing number."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from cluster.database import reading, writing
from cluster.loop_tables import LOOP_LEASES_TABLE
from recsys.errors import StoreError

L = LOOP_LEASES_TABLE.c


class LeaseLostError(StoreError):
    """Another holder has the lease; what this one still writes is refused."""


@dataclass(frozen=True)
class LeaseRow:
    """A lease as it stands."""

    holder: str | None
    """None: nobody has it."""
    token: int
    beat: int


class LeaseStore:
    """Leases by name. No clock is compared between processes: a taker watches whether `beat` still grows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def look(self, name: str) -> LeaseRow:
        """The lease; a free one that nobody ever had."""
        with reading(self._engine) as connection:
            row = connection.execute(select(L.holder, L.token, L.beat).where(L.name == name)).first()
        return LeaseRow(None, 0, 0) if row is None else LeaseRow(row.holder, row.token, row.beat)

    def take(self, name: str, holder: str, seen: LeaseRow | None = None) -> int | None:
        """Take a free lease, or one that still stands as `seen`; the token, or None when it is not so."""
        free: ColumnElement[bool] = L.holder.is_(None)
        if seen is not None:
            free = or_(free, (L.token == seen.token) & (L.beat == seen.beat))
        change = update(LOOP_LEASES_TABLE).where(L.name == name, free)
        change = change.values(holder=holder, token=L.token + 1, beat=L.beat + 1)
        with writing(self._engine) as connection:
            dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
            row = {"name": name, "holder": None, "token": 0, "beat": 0}
            connection.execute(dialect.insert(LOOP_LEASES_TABLE).values(row).on_conflict_do_nothing())
            taken: int | None = connection.execute(change.returning(L.token)).scalar_one_or_none()
        return taken

    def renew(self, name: str, token: int) -> bool:
        """Show that the holder lives; False when the lease is another's."""
        change = update(LOOP_LEASES_TABLE).where(L.name == name, L.token == token, L.holder.is_not(None))
        with writing(self._engine) as connection:
            return connection.execute(change.values(beat=L.beat + 1)).rowcount == 1

    def release(self, name: str, token: int) -> None:
        """Give the lease back, unless it is another's."""
        change = update(LOOP_LEASES_TABLE).where(L.name == name, L.token == token)
        with writing(self._engine) as connection:
            connection.execute(change.values(holder=None))


def fence(connection: Connection, name: str, token: int) -> None:
    """Raise `LeaseLostError` unless `token` is the newest; holds until the transaction ends."""
    # FOR UPDATE keeps a taker out on PostgreSQL; on SQLite the writer is alone anyway.
    statement = select(L.token).where(L.name == name).with_for_update()
    newest = connection.execute(statement).scalar_one_or_none()
    if newest != token:
        raise LeaseLostError(
            "the feedback loop's lease is another's", expected=f"token {newest}", found=f"token {token}"
        )
