"""What people ask of the loop, from whichever process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, insert, select, update

from cluster.database import reading, writing
from cluster.loop_tables import LOOP_REQUESTS_TABLE
from recsys.feedback import Kind

Q = LOOP_REQUESTS_TABLE.c


@dataclass(frozen=True)
class Request:
    """One wish for a run."""

    number: int
    kind: Kind | None
    """None: what the policy says, now."""
    answered: bool
    answer: Mapping[str, Any]


class RequestStore:
    """Requests in the order in which they were made."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, kind: Kind | None, now_us: int) -> int:
        """Leave a request; its number."""
        row = {"kind": kind, "asked_at_us": now_us, "answered": False, "answer": "{}"}
        with writing(self._engine) as connection:
            made = connection.execute(insert(LOOP_REQUESTS_TABLE).returning(Q.number), row)
            return int(made.scalar_one())

    def open(self) -> list[Request]:
        """Requests without an answer, oldest first."""
        statement = select(LOOP_REQUESTS_TABLE).where(Q.answered.is_(False)).order_by(Q.number)
        with reading(self._engine) as connection:
            return [_request(row) for row in connection.execute(statement).mappings()]

    def get(self, number: int) -> Request | None:
        """One request."""
        with reading(self._engine) as connection:
            statement = select(LOOP_REQUESTS_TABLE).where(Q.number == number)
            row = connection.execute(statement).mappings().first()
        return None if row is None else _request(row)

    def answer(self, number: int, answer: Mapping[str, Any]) -> None:
        """Say what became of a request."""
        change = update(LOOP_REQUESTS_TABLE).where(Q.number == number)
        with writing(self._engine) as connection:
            connection.execute(change.values(answered=True, answer=json.dumps(answer, default=str)))


def _request(row: Mapping[Any, Any]) -> Request:
    kind = None if row["kind"] is None else Kind(row["kind"])
    return Request(row["number"], kind, row["answered"], json.loads(row["answer"]))
