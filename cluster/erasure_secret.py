"""With which secret the machines of one database server erase: agreed before anybody is erased.

A tombstone says nothing to a machine without its secret, and that machine may keep no event any more. So the
id of the secret, which gives nothing of it away, is announced in the database by whoever serves first, and
nobody erases with another one.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql

from cluster.database import COUNTERS
from recsys.erasure_ledger import VARIABLE, ErasureLedger
from recsys.errors import StoreError
from recsys.tombstones import secret_id

ANNOUNCED = "erasure_secret"
"""Counter whose value is the id, 8 hexadecimal digits, as a number."""


def agreed_secret(connection: Connection, ledger: ErasureLedger, is_used: Callable[[str], bool]) -> bytes:
    """The secret for new erasures, the same on every machine.

    `is_used` tells whether anybody was erased with the secret of an id.
    A SQLite file is one machine's, which has nobody to agree with. On a server the secret that is announced
    counts, else ours is announced. One that is stated in the environment takes the place of an announced one
    that is here as well, or that nobody was erased with. Raises `StoreError` where the announced one is
    not here, `ConfigError` for a stated one that is too short.
    """
    if connection.dialect.name == "sqlite":
        return ledger.secret()
    announced, stated = _announced(connection), ledger.stated()
    held = {secret_id(secret): secret for secret in ledger.secrets()}
    if stated is not None and (announced is None or announced in held or not is_used(announced)):
        return _announce(connection, stated)
    if announced is None:
        return _announce(connection, ledger.secret())
    if announced not in held:
        raise missing_secret("the secret of this database's erasures is not here", announced, ledger)
    return held[announced]


def missing_secret(message: str, name: str, ledger: ErasureLedger | None) -> StoreError:
    """The refusal of a machine that lacks the secret with the id `name`, with what to do."""
    return StoreError(
        message,
        expected=f"the secret with the id {name}: {VARIABLE} in the environment, the same on every machine, "
        f"or key-{name}.secret in the workspace's folder privacy",
        where=str(ledger.folder) if ledger else "a store that was opened without its ledger",
    )


def _announced(connection: Connection) -> str | None:
    found = connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == ANNOUNCED)).scalar()
    return None if found is None else f"{int(found):08x}"


def _announce(connection: Connection, secret: bytes) -> bytes:
    """Write the id down; of two that write the first at the same time, the later one's counts."""
    value = int(secret_id(secret), 16)
    row = postgresql.insert(COUNTERS).values(name=ANNOUNCED, value=value)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
    return secret
