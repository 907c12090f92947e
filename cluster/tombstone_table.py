"""Tombstones in the databases: what every writer asks before it keeps anything of a person."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Engine, Table, Text, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cluster.database import METADATA
from cluster.erasure_secret import agreed_secret, missing_secret
from recsys.erasure_ledger import ErasureLedger, gathered
from recsys.errors import StoreError
from recsys.tombstones import Tombstone, Tombstones, person_hash, secret_id

TOMBSTONES_TABLE = Table(
    "tombstones",
    METADATA,
    Column("person", Text, primary_key=True),  # keyed hash, see recsys.tombstones
    Column("number", BigInteger, nullable=False, index=True),  # grows with each erasure
    Column("erased_at", BigInteger, nullable=False),  # microseconds since 1970 UTC, as the next
    Column("until", BigInteger, nullable=False),
)
T = TOMBSTONES_TABLE.c


class ErasedPeople:
    """The tombstones of one database together with the ledger beside it, kept current at one small query.

    Thread-safe. A database without tombstones needs no ledger.
    """

    def __init__(self, engine: Engine, folder: Path | None = None) -> None:
        """`folder`: the ledger's; default for SQLite is `privacy` beside the file, else there is none."""
        self.ledger = ErasureLedger(folder) if folder else _ledger_beside(engine)
        self._known: Tombstones | None = None
        self._number, self._lock = 0, Lock()

    def known(self, connection: Connection) -> Tombstones:
        """Every erasure as of this transaction.

        Raises `StoreError` where the secret is gone: erased people could not be told from others.
        """
        with self._lock:
            if self._known is None:
                self._known = self.ledger.tombstones() if self.ledger else Tombstones()
            if last_number(connection) != self._number:
                self._read_new(connection)
            return self._known

    def add(
        self, connection: Connection, until_us: Mapping[str, int], at_us: int | None = None
    ) -> list[Tombstone]:
        """Erase these keys up to their times: the ledger first, then the table, in this transaction.

        The caller holds the writers' lock. Raises `StoreError` for a database without a ledger, and where
        the machines of its server erase with a secret that is not here.
        """
        ledger, secret = self.ledger_or_refuse(), self.agree(connection)
        now = time.time_ns() // 1_000 if at_us is None else at_us
        made = [Tombstone(person_hash(secret, key), now, until) for key, until in until_us.items()]
        ledger.append(made)
        write_tombstones(connection, made)
        return made

    def agree(self, connection: Connection) -> bytes:
        """The secret for new erasures, in a transaction that writes; raises `StoreError` as `add` does."""
        return agreed_secret(connection, self.ledger_or_refuse(), lambda name: _is_used(connection, name))

    def ledger_or_refuse(self) -> ErasureLedger:
        """The ledger; raises `StoreError` for a database that was opened without one."""
        if self.ledger is None:
            raise StoreError("nobody can be erased here", expected="a store that was opened with its ledger")
        return self.ledger

    def _read_new(self, connection: Connection) -> None:
        rows = connection.execute(
            select(T.number, T.person, T.erased_at, T.until).where(T.number > self._number)
        )
        found = rows.all()
        secrets = self.ledger.secrets() if self.ledger else ()
        new = gathered(secrets, (Tombstone(*row[1:]) for row in found), self._known)
        _require_secrets(new, self.ledger)
        self._known = new
        self._number = max((row.number for row in found), default=last_number(connection))


def last_number(connection: Connection) -> int:
    """Number of the newest erasure; 0 before the first."""
    return int(connection.execute(select(func.max(T.number))).scalar() or 0)


def newest_erasure_us(connection: Connection) -> int | None:
    """When the newest erasure was asked for; None before the first."""
    found = connection.execute(select(func.max(T.erased_at))).scalar()
    return None if found is None else int(found)


def write_tombstones(connection: Connection, tombstones: Sequence[Tombstone]) -> None:
    """Add erasures; an earlier one of the same person is moved on. The caller holds the writers' lock."""
    number, dialect = (
        last_number(connection) + 1,
        postgresql if connection.dialect.name == "postgresql" else sqlite,
    )
    for one in tombstones:
        row: dict[str, Any] = {"number": number, "erased_at": one.erased_at_us, "until": one.until_us}
        statement: Any = dialect.insert(TOMBSTONES_TABLE).values(person=one.person, **row)
        older = statement.on_conflict_do_update(
            index_elements=["person"], set_=row, where=T.until < one.until_us
        )
        connection.execute(older)


def privacy_folder_of(engine: Engine) -> Path | None:
    """Where the ledger of a SQLite file lies; None for other databases."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name).parent / "privacy"


def _ledger_beside(engine: Engine) -> ErasureLedger | None:
    folder = privacy_folder_of(engine)
    return ErasureLedger(folder) if folder else None


def _require_secrets(tombstones: Tombstones, ledger: ErasureLedger | None) -> None:
    used = {person.partition(":")[0] for person in tombstones.until_us}
    have = {secret_id(secret) for secret in ledger.secrets()} if ledger else set()
    if lacking := used - have:
        raise missing_secret("erased people cannot be told from others", min(lacking), ledger)


def _is_used(connection: Connection, name: str) -> bool:
    """Whether a tombstone was made with the secret of this id."""
    found = select(T.person).where(T.person.startswith(f"{name}:")).limit(1)
    return connection.execute(found).first() is not None
