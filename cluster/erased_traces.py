"""What tells of a person in a database file: looked for among leftover bytes when the rows are gone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from cluster import person_rows
from cluster.answer_tables import ANSWERS_TABLE
from cluster.database import EVENTS_TABLE

E, A = EVENTS_TABLE.c, ANSWERS_TABLE.c
NEEDLES = 16
"""Ids of a person's newest events, and of answers, that are looked for in the files afterwards."""


def event_traces(connection: Connection, keys: Sequence[str]) -> list[bytes]:
    """Bytes that tell of these people alone: not a key that others begin with, or that a link will keep."""
    links = person_rows.links_of(connection, keys)
    named = {visitor for visitor, user in links if user not in keys}
    alone = [key for key in keys if key not in named and not person_rows.begins_another(connection, key)]
    newest = select(E.event_id).where(E.user_key.in_(keys[:NEEDLES])).order_by(E.seq.desc()).limit(NEEDLES)
    return [text.encode() for text in (*alone, *connection.execute(newest).scalars())]


def answer_traces(connection: Connection, keys: Sequence[str]) -> list[bytes]:
    """Ids of the newest lists that these people were shown."""
    newest = (
        select(A.recommendation_id).where(A.unit.in_(keys[:NEEDLES])).order_by(A.seq.desc()).limit(NEEDLES)
    )
    return [text.encode() for text in connection.execute(newest).scalars()]
