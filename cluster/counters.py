"""The shop's counters: none is absent, and none falls behind the numbers that its rows have."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from cluster.control_tables import AUDIT_TABLE, CONTROLS_TABLE
from cluster.database import (
    COUNTERS,
    DAMAGED,
    EVENTS_TABLE,
    ITEMS_TABLE,
    REMOVED,
    RETENTIONS,
    SCHEMA_VERSION,
)
from recsys.errors import StoreError

log = logging.getLogger(__name__)
SCHEMA = "schema"
NUMBERED: dict[str, tuple[Select[Any], ...]] = {
    "events": (select(func.max(EVENTS_TABLE.c.seq)),),
    "items": (select(func.max(ITEMS_TABLE.c.change_seq)),),
    "controls": (select(func.max(CONTROLS_TABLE.c.change_seq)), select(func.max(AUDIT_TABLE.c.seq))),
    REMOVED: (),
    DAMAGED: (),
    RETENTIONS: (),
}
"""By counter, the queries whose largest answer it may not be less than."""


def settle(connection: Connection) -> None:
    """Add counters that are absent and raise those that are behind; say which schema this release writes.

    A counter behind its rows would give numbers twice: nothing could be appended any more, and readers
    would take the newest rows for read. Raises `StoreError` for a newer schema.
    """
    known = _known(connection)
    for name, least in _least(connection).items():
        if name not in known:
            connection.execute(insert(COUNTERS).values(name=name, value=least))
        elif known[name] < least:
            log.error("counter %s was at %s, its rows are at %s: it is raised", name, known[name], least)
            connection.execute(update(COUNTERS).where(COUNTERS.c.name == name).values(value=least))
    if known.get(SCHEMA) != SCHEMA_VERSION:
        connection.execute(COUNTERS.delete().where(COUNTERS.c.name == SCHEMA))
        connection.execute(insert(COUNTERS).values(name=SCHEMA, value=SCHEMA_VERSION))


def are_settled(connection: Connection) -> bool:
    """Whether `settle` would change nothing."""
    known = _known(connection)
    enough = all(known.get(name, -1) >= least for name, least in _least(connection).items())
    return enough and known.get(SCHEMA) == SCHEMA_VERSION


def _known(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(COUNTERS.c.name, COUNTERS.c.value)).all()
    known = {name: int(value) for name, value in rows}
    if known.get(SCHEMA, SCHEMA_VERSION) > SCHEMA_VERSION:
        raise StoreError(
            "the database was written by a newer release",
            expected=f"schema {SCHEMA_VERSION} or older",
            found=str(known[SCHEMA]),
        )
    return known


def _least(connection: Connection) -> dict[str, int]:
    return {
        name: max((int(connection.execute(query).scalar() or 0) for query in queries), default=0)
        for name, queries in NUMBERED.items()
    }
