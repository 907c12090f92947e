"""The rows of one person in the databases: found, read, deleted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, func, select

from cluster.answer_tables import ANSWERS_TABLE
from cluster.database import EVENTS_TABLE, VISITOR_OWNERS
from recsys.history import user_key

E, V, A = EVENTS_TABLE.c, VISITOR_OWNERS.c, ANSWERS_TABLE.c
KEYS_PER_QUERY = 500
LAST = "\U0010ffff"
PEOPLE = (E.user_key, V.user_key, V.visitor_key)


def keys_of(connection: Connection, key: str) -> list[str]:
    """The person's own key and those of the visitors who turned out to be this user, ascending."""
    owned = select(V.visitor_key).where(V.user_key == key)
    return [key, *sorted(set(connection.execute(owned).scalars()) - {key})]


def newest_event_us(connection: Connection, keys: Sequence[str]) -> int | None:
    """When the latest of these people's events happened by its sender's clock; None without one."""
    found = [
        connection.execute(select(func.max(E.occurred_at)).where(E.user_key.in_(part)))
        for part in _parts(keys)
    ]
    return max((at for one in found if (at := one.scalar()) is not None), default=None)


def event_rows(connection: Connection, keys: Sequence[str]) -> list[dict[str, Any]]:
    """All columns of these people's events, in the order of the log."""
    found: list[dict[str, Any]] = []
    for part in _parts(keys):
        rows = connection.execute(select(EVENTS_TABLE).where(E.user_key.in_(part)))
        found += [dict(row) for row in rows.mappings()]
    return sorted(found, key=lambda row: int(row["seq"]))


def answer_rows(connection: Connection, keys: Sequence[str]) -> list[dict[str, Any]]:
    """All columns of the answers given to these people, in the order of the log."""
    found: list[dict[str, Any]] = []
    for part in _parts(keys):
        rows = connection.execute(select(ANSWERS_TABLE).where(A.unit.in_(part)))
        found += [dict(row) for row in rows.mappings()]
    return sorted(found, key=lambda row: int(row["seq"]))


def delete_events(connection: Connection, until_us: Mapping[str, int]) -> dict[str, int]:
    """Delete what these people did up to their times; how many events of each."""
    return _deleted(connection, EVENTS_TABLE, E.user_key, E.occurred_at, until_us)


def delete_answers(connection: Connection, until_us: Mapping[str, int]) -> dict[str, int]:
    """Delete what these people were shown up to their times; how many answers of each."""
    return _deleted(connection, ANSWERS_TABLE, A.unit, A.at, until_us)


def delete_links(connection: Connection, keys: Iterable[str]) -> int:
    """Delete who is whose among these people, but for what an event that stays still says; how many links."""
    return sum(_delete_link(connection, *pair) for pair in links_of(connection, keys))


def links_of(connection: Connection, keys: Iterable[str]) -> list[tuple[str, str]]:
    """`(visitor key, user key)` of links that name one of the keys on either side, ascending."""
    found: set[tuple[str, str]] = set()
    for part in _parts(list(keys)):
        named = V.visitor_key.in_(part) | V.user_key.in_(part)
        found |= {
            (visitor, user)
            for visitor, user in connection.execute(select(V.visitor_key, V.user_key).where(named))
        }
    return sorted(found)


def still_says(connection: Connection, visitor_key: str, owner_key: str, after_us: int = -(2**62)) -> bool:
    """Whether an event that happened after a time says that this visitor is this user."""
    said = select(E.visitor_id).where(
        E.user_key == owner_key, E.visitor_id.is_not(None), E.occurred_at > after_us
    )
    named = connection.execute(said.distinct()).scalars()
    return any(user_key(None, visitor) == visitor_key for visitor in named)


def begins_another(connection: Connection, key: str, columns: Sequence[Any] = PEOPLE) -> bool:
    """Whether somebody else's key begins with this one, in the columns given."""
    longer = (select(column).where(column > key, column < key + LAST).limit(1) for column in columns)
    return any(connection.execute(one).first() is not None for one in longer)


def every_key(connection: Connection) -> list[str]:
    """Keys of everybody who has events or links."""
    found = {key for column in PEOPLE for key in _distinct(connection, column)}
    return sorted(found)


def every_answered_key(connection: Connection) -> list[str]:
    """Keys of everybody who was shown a list."""
    return sorted(set(_distinct(connection, A.unit)) - {""})


def _deleted(
    connection: Connection, table: Table, person: Any, at: Any, until_us: Mapping[str, int]
) -> dict[str, int]:
    gone = {key: delete(table).where(person == key, at <= until) for key, until in until_us.items()}
    return {key: int(connection.execute(statement).rowcount) for key, statement in gone.items()}


def _distinct(connection: Connection, column: Any) -> list[str]:
    return list(connection.execute(select(column).distinct()).scalars())


def _delete_link(connection: Connection, visitor_key: str, owner_key: str) -> int:
    if still_says(connection, visitor_key, owner_key):
        return 0
    return int(connection.execute(delete(VISITOR_OWNERS).where(V.visitor_key == visitor_key)).rowcount)


def _parts(keys: Sequence[str]) -> Iterable[list[str]]:
    return (list(keys[start : start + KEYS_PER_QUERY]) for start in range(0, len(keys), KEYS_PER_QUERY))
