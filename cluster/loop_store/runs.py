"""Every run with its reasons, inputs and result."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from cluster.database import reading, writing
from cluster.loop_store.leases import fence
from cluster.loop_tables import LOOP_RUNS_TABLE
from recsys.errors import NotFoundError
from recsys.feedback import Kind, Run, RunState, Trigger

R = LOOP_RUNS_TABLE.c
LEASE = "feedback-loop"
"""Name of the one lease that a writer of runs holds."""
KEPT_RUNS = 5_000
TEXTS = ("reasons", "inputs", "result")


class RunStore:
    """Runs in the order in which they began, the newest `KEPT_RUNS` of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, run: Run, token: int | None) -> None:
        """Write a new run; with a token only while it is the newest (else `LeaseLostError`).

        Without one it must be a dry run, which decides nothing.
        """
        with writing(self._engine) as connection:
            _fenced(connection, token, run)
            number = connection.execute(insert(LOOP_RUNS_TABLE).returning(R.number), _row(run)).scalar_one()
            connection.execute(delete(LOOP_RUNS_TABLE).where(R.number <= number - KEPT_RUNS))

    def replace(self, run: Run, token: int | None) -> None:
        """Write what became of a run; raises `LeaseLostError` when the lease is another's."""
        with writing(self._engine) as connection:
            _fenced(connection, token, run)
            connection.execute(update(LOOP_RUNS_TABLE).where(R.run_id == run.run_id).values(_row(run)))

    def get(self, run_id: str) -> Run:
        """One run; raises `NotFoundError`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(LOOP_RUNS_TABLE).where(R.run_id == run_id)).mappings().first()
        if row is None:
            raise NotFoundError("there is no such run of the feedback loop", found=run_id)
        return _run(row)

    def newest(self, limit: int) -> list[Run]:
        """The newest runs of every kind, dry runs too, newest first."""
        statement = select(LOOP_RUNS_TABLE).order_by(R.number.desc()).limit(limit)
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(statement).mappings()]

    def history(self, each: int = 30, kinds: Iterable[Kind] = tuple(Kind)) -> list[Run]:
        """The newest `each` runs of each kind without dry runs, in the order in which they began."""
        found: dict[int, Run] = {}
        with reading(self._engine) as connection:
            for kind in kinds:
                mine = select(LOOP_RUNS_TABLE).where(R.kind == kind, R.trigger != Trigger.DRY_RUN)
                rows = connection.execute(mine.order_by(R.number.desc()).limit(each)).mappings()
                found |= {row["number"]: _run(row) for row in rows}
        return [found[number] for number in sorted(found)]

    def unended(self) -> list[Run]:
        """Runs that began and did not end, without dry runs, in the order in which they began."""
        states = (RunState.DECIDED, RunState.RUNNING)
        statement = select(LOOP_RUNS_TABLE).where(R.state.in_(states), R.trigger != Trigger.DRY_RUN)
        with reading(self._engine) as connection:
            return [_run(row) for row in connection.execute(statement.order_by(R.number)).mappings()]

    def latest_end_s(self) -> float:
        """The latest steady time at which a run ended; 0 before any."""
        with reading(self._engine) as connection:
            statement = select(R.ended_s).where(R.ended_s.is_not(None)).order_by(R.ended_s.desc()).limit(1)
            return float(connection.execute(statement).scalar_one_or_none() or 0.0)


def _fenced(connection: Connection, token: int | None, run: Run) -> None:
    if token is not None:
        fence(connection, LEASE, token)
    elif run.trigger is not Trigger.DRY_RUN:
        raise ValueError("a run is written by the holder of the lease only")


def _row(run: Run) -> dict[str, Any]:
    names = [column.name for column in LOOP_RUNS_TABLE.columns if column.name != "number"]
    row = {name: getattr(run, name) for name in names}
    return row | {name: json.dumps(row[name], default=str) for name in TEXTS}


def _run(row: Mapping[Any, Any]) -> Run:
    fields = {name: value for name, value in row.items() if name != "number"}
    fields |= {name: json.loads(fields[name]) for name in TEXTS}
    fields["reasons"] = tuple(fields["reasons"])
    fields["kind"], fields["state"] = Kind(fields["kind"]), RunState(fields["state"])
    fields["trigger"] = Trigger(fields["trigger"])
    return Run(**fields)
