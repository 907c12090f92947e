"""All of the feedback loop's tables in one database."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from cluster.database import METADATA, reading, writing
from cluster.loop_store.leases import LeaseStore
from cluster.loop_store.requests import RequestStore
from cluster.loop_store.runs import RunStore
from cluster.loop_tables import LOOP_STATE_TABLE, TABLES
from recsys.errors import StoreError

S = LOOP_STATE_TABLE.c


class LoopStore:
    """Runs, lease, requests and state. Thread-safe; makes its tables where they are absent.

    Raises `StoreError`, as every method of its parts does, when the database does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        _create(engine)
        self._engine = engine
        self.runs, self.leases, self.requests = RunStore(engine), LeaseStore(engine), RequestStore(engine)

    def state(self, name: str) -> Any:
        """A value that was set, or None."""
        with reading(self._engine) as connection:
            found = connection.execute(select(S.value).where(S.name == name)).scalar_one_or_none()
        return None if found is None else json.loads(found)

    def set_state(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(LOOP_STATE_TABLE).values(name=name, value=json.dumps(value))
        replaced = {"value": statement.excluded.value}
        with writing(self._engine) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=replaced))

    @property
    def paused(self) -> bool:
        """Whether a person told the loop to decide nothing by itself."""
        return bool(self.state("paused"))


def _create(engine: Engine) -> None:
    for attempt in (1, 2):
        try:
            with writing(engine) as connection:
                METADATA.create_all(connection, tables=TABLES)
        except StoreError as error:
            # Two processes that create the tables at the same moment: the loser finds them there.
            if attempt == 2 or not isinstance(error.__cause__, (IntegrityError, SQLAlchemyError)):
                raise
        else:
            return
