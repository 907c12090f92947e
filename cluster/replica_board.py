"""Which ingress replicas live, what they have loaded, and what became of their requests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from cluster.answer_tables import REPLICAS_TABLE
from cluster.database import reading, writing

R = REPLICAS_TABLE.c
FORGOTTEN_AFTER_US = 3_600 * 1_000_000
"""Rows of replicas that ended are removed after this."""


@dataclass(frozen=True)
class VersionCounts:
    """What became of the requests that one index version answered."""

    requests: int = 0
    failures: int = 0
    """Requests that ended in an error of ours (5xx)."""
    empty: int = 0
    """Lists that were asked without a filter and came back empty."""
    degraded: int = 0
    """Lists that fell back, or had no part of the index."""

    def __add__(self, other: VersionCounts) -> VersionCounts:
        mine, theirs = asdict(self), asdict(other)
        return VersionCounts(**{name: mine[name] + theirs[name] for name in mine})


@dataclass(frozen=True)
class ReplicaState:
    """What one replica says of itself."""

    replica_id: str
    beat: int
    """Grows with each report; a replica whose number stands still is gone, whatever clocks say."""
    index_version: str
    """Version that its next request will use."""
    prepared: tuple[str, ...] = ()
    """Versions that are loaded and verified."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Versions that it could not load, with the reason."""
    counts: Mapping[str, VersionCounts] = field(default_factory=dict)
    """By index version."""


class ReplicaBoard:
    """Reports of the ingress replicas. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def report(self, state: ReplicaState, now_us: int) -> None:
        """Write or replace one replica's row; raises `StoreError`."""
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        row = {"replica_id": state.replica_id, "beat": state.beat, "at": now_us, "body": _body(state)}
        statement = dialect.insert(REPLICAS_TABLE)
        replaced = {name: statement.excluded[name] for name in ("beat", "at", "body")}
        with writing(self._engine) as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["replica_id"], set_=replaced), row
            )
            connection.execute(delete(REPLICAS_TABLE).where(R.at < now_us - FORGOTTEN_AFTER_US))

    def leave(self, replica_id: str) -> None:
        """Take one replica off the board."""
        with writing(self._engine) as connection:
            connection.execute(delete(REPLICAS_TABLE).where(R.replica_id == replica_id))

    def states(self) -> dict[str, ReplicaState]:
        """The last report of every replica, the dead ones of the last hour included."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(R.replica_id, R.beat, R.body)).all()
        return {row.replica_id: _state(row.replica_id, row.beat, json.loads(row.body)) for row in rows}

    def counts(self) -> dict[str, VersionCounts]:
        """Requests by index version over all replicas."""
        total: dict[str, VersionCounts] = {}
        for state in self.states().values():
            for version, counts in state.counts.items():
                total[version] = total.get(version, VersionCounts()) + counts
        return total


def _body(state: ReplicaState) -> str:
    counts = {version: asdict(found) for version, found in state.counts.items()}
    return json.dumps(
        {
            "index_version": state.index_version,
            "prepared": list(state.prepared),
            "refused": dict(state.refused),
            "counts": counts,
        }
    )


def _state(replica_id: str, beat: int, body: Mapping[str, Any]) -> ReplicaState:
    counts = {version: VersionCounts(**found) for version, found in body["counts"].items()}
    return ReplicaState(
        replica_id, beat, body["index_version"], tuple(body["prepared"]), body["refused"], counts
    )
