"""The log of answers: which list was shown to whom, by which version and arm, and what was left to chance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from cluster.answer_tables import ANSWERS_TABLE
from cluster.database import reading, writing
from cluster.tombstone_table import ErasedPeople
from recsys.answer_record import AnswerRecord

A = ANSWERS_TABLE.c
HEAD = (A.recommendation_id, A.at, A.unit, A.scenario, A.index_version)
IDS_PER_QUERY = 1_000
SCAN_ROWS = 5_000
ON_THE_WAY_US = 5_000_000
"""A list that was being made when its reader was erased is of the old profile; no list takes so long."""


class AnswerStore:
    """Answers in a SQL database. Thread-safe; every method is one transaction or a stream of reads."""

    def __init__(self, engine: Engine, erased: ErasedPeople | None = None) -> None:
        """`erased`: tombstones with their ledger; by default those beside a SQLite file."""
        self._engine, self._erased = engine, erased or ErasedPeople(engine)

    def append(self, answers: Sequence[AnswerRecord]) -> None:
        """Add answers; one that is there already stays as it is. Raises `StoreError`.

        Answers to people who were erased are dropped, also those that were on their way then.
        """
        if not answers:
            return
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        with writing(self._engine) as connection:
            gone = self._erased.known(connection)
            kept = [
                _row(one)
                for one in answers
                if not gone or not gone.cover(one.unit, one.at_us - ON_THE_WAY_US)
            ]
            if kept:
                connection.execute(dialect.insert(ANSWERS_TABLE).on_conflict_do_nothing(), kept)

    def get(self, recommendation_ids: Sequence[str]) -> dict[str, AnswerRecord]:
        """Those of the answers that are known, by id."""
        found: dict[str, AnswerRecord] = {}
        for start in range(0, len(recommendation_ids), IDS_PER_QUERY):
            part = recommendation_ids[start : start + IDS_PER_QUERY]
            statement = select(*HEAD, A.body).where(A.recommendation_id.in_(part))
            with reading(self._engine) as connection:
                found |= {row.recommendation_id: _record(row) for row in connection.execute(statement)}
        return found

    def scan(self, since_us: int = 0, until_us: int | None = None) -> Iterator[AnswerRecord]:
        """Answers given in `[since_us, until_us)`, in the order of the log."""
        seq = 0
        while True:
            statement = select(A.seq, *HEAD, A.body).where(A.seq > seq, A.at >= since_us)
            if until_us is not None:
                statement = statement.where(A.at < until_us)
            with reading(self._engine) as connection:
                rows = connection.execute(statement.order_by(A.seq).limit(SCAN_ROWS)).all()
            if not rows:
                return
            yield from map(_record, rows)
            seq = rows[-1].seq

    def count(self) -> int:
        """Answers in the log."""
        with reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(ANSWERS_TABLE)).scalar_one())

    def remove_before(self, at_us: int) -> int:
        """Forget answers older than a time; how many."""
        with writing(self._engine) as connection:
            return int(connection.execute(delete(ANSWERS_TABLE).where(A.at < at_us)).rowcount)


def _row(answer: AnswerRecord) -> dict[str, Any]:
    return {
        "recommendation_id": answer.recommendation_id,
        "at": answer.at_us,
        "unit": answer.unit,
        "scenario": answer.scenario,
        "index_version": answer.index_version,
        "body": json.dumps(answer.as_json(), separators=(",", ":")),
    }


def _record(row: Any) -> AnswerRecord:
    head = (row.recommendation_id, row.at, row.unit, row.scenario, row.index_version)
    return AnswerRecord.of_json(head, json.loads(row.body))
