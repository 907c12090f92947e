"""Everything that is kept about one person, as one document."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine

from cluster import person_rows
from cluster.database import reading
from cluster.event_store import EventStore
from cluster.quarantined_rows import rows_about
from recsys.config import ProfileConfig
from recsys.errors import InputError, NotFoundError
from recsys.history import user_key
from recsys.identifiers import MAX_ID_BYTES, id_fault
from recsys.privacy.names import PLAIN, Names
from recsys.profile import Interest, build_profile
from recsys.schemas import EVENTS
from recsys.tombstones import ROLES, NamedPeople
from recsys.workspace import Workspace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class PersonExport:
    """Reads one shop's two databases and its quarantine; changes nothing."""

    workspace: Workspace
    engine: Engine
    serving: Engine
    profile: ProfileConfig = field(default_factory=ProfileConfig)

    def of(self, key: str) -> dict[str, Any]:
        """The records of `user:ID` with the visitors who turned out to be this user, or of one `visitor:ID`.

        Raises `NotFoundError` for somebody of whom nothing is kept, `StoreError`.
        """
        with reading(self.engine) as connection:
            keys = person_rows.keys_of(connection, key)
            events = person_rows.event_rows(connection, keys)
            links = [visitor for visitor, user in person_rows.links_of(connection, [key]) if user == key]
        with reading(self.serving) as connection:
            answers = [_answer(row) for row in person_rows.answer_rows(connection, keys)]
        refused = rows_about(self.workspace.quarantine, NamedPeople(frozenset(keys)))
        kind, name = _parted(key)
        if not (events or links or answers or refused):
            raise NotFoundError(f"nothing is known about this {kind}")
        return {
            "user_id": name,
            "kind": kind,
            "exported_at": datetime.now(UTC).isoformat(),
            "events": [_event(row) for row in events],
            "links": [{"visitor_id": _parted(visitor)[1]} for visitor in links],
            "answers": answers,
            "exposures": [exposure for answer in answers for exposure in _exposures(answer)],
            "refused_rows": refused,
            "profile": self._beliefs(key),
        }

    def _beliefs(self, key: str) -> list[dict[str, Any]]:
        history = EventStore(self.engine).events_of(key, self.profile.max_events)
        return [
            _belief(one)
            for one in build_profile(key, history, time.time_ns() // 1_000, self.profile).interests
        ]


def key_of(user_id: str, kind: str, names: Names = PLAIN) -> str:
    """The key of an id of a kind, `user` or `visitor`, as `names` keeps it.

    Raises `InputError` for what no store takes as an id.
    """
    if (fault := id_fault(user_id)) is not None:
        raise InputError("this is no id", expected=f"up to {MAX_ID_BYTES} bytes of plain text", found=fault)
    name = names.of(kind, user_id)
    return user_key(name, None) if kind == "user" else user_key(None, name)


def _event(row: Mapping[str, Any]) -> dict[str, Any]:
    """In the contract's columns, times readable."""
    times = {name: _time(row[name]) for name in ("occurred_at", "received_at")}
    return {name: row[name] for name in EVENTS.names} | times


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    head = {name: row[name] for name in ("recommendation_id", "scenario", "index_version")}
    return {**head, "at": _time(row["at"]), "shown_to": row["unit"], **json.loads(row["body"])}


def _exposures(answer: Mapping[str, Any]) -> Sequence[dict[str, str]]:
    same = {name: str(answer[name]) for name in ("recommendation_id", "at", "shown_to")}
    return [{"experiment_id": name, "arm": arm, **same} for name, arm in sorted(answer["arms"].items())]


def _belief(interest: Interest) -> dict[str, Any]:
    return {
        "item_id": interest.item_id,
        "weight": interest.weight,
        "event_types": list(interest.event_types),
        "last_at": _time(interest.last_at_us),
    }


def _parted(key: str) -> tuple[str, str]:
    """Kind and id of a key."""
    role = next(role for role in ROLES if key.startswith(role))
    return role[:-1], key.removeprefix(role)


def _time(at_us: int) -> str:
    return (EPOCH + timedelta(microseconds=at_us)).isoformat()
