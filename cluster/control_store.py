"""What a shop's people decide, durable and audited: scenarios, rules, experiments, blocks, reviews."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from cluster.control_tables import AUDIT_TABLE, CONTROLS_TABLE, COUNTER
from cluster.database import counter_value, draw_numbers, reading, writing
from recsys.errors import ConflictError, InputError, NotFoundError

C, A = CONTROLS_TABLE.c, AUDIT_TABLE.c


@dataclass(frozen=True)
class Document:
    """One decision as it stands."""

    kind: str
    name: str
    body: Mapping[str, Any]
    revision: int
    """1 when made, one more with each change."""
    updated_at_us: int
    updated_by: str


@dataclass(frozen=True)
class AuditEntry:
    """One change: who, when, what it was and what it became."""

    seq: int
    at_us: int
    actor: str
    action: str
    """`put`, `delete`, or another word of the caller's."""
    kind: str
    name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    note: str


class ControlStore:
    """Documents by kind and name. Thread-safe; every change is one transaction with its audit row."""

    def __init__(self, engine: Engine, now_us: Callable[[], int] = lambda: time.time_ns() // 1_000) -> None:
        self._engine, self._now_us = engine, now_us

    def put(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        actor: str,
        *,
        revision: int | None = None,
        action: str = "put",
        note: str = "",
    ) -> Document:
        """Make or replace a document; durable when it returns.

        With `revision` (0: it must not exist yet) raises `ConflictError` when somebody was faster. A body
        that changes nothing draws no number and leaves no audit row. Raises `InputError` for what neither
        database can keep: a text with a NUL or half a surrogate pair, a body that is no JSON.
        """
        _require_storable(kind, name, actor, action, note)
        said = _json(body)
        with writing(self._engine) as connection:
            seq = draw_numbers(connection, COUNTER, 0) + 1  # takes the lock before anything is read
            known = _find(connection, kind, name)
            _require_revision(known, revision, kind, name)
            if known is not None and _json(known.body) == said:
                return known
            number = 1 + _last_revision(connection, kind, name)
            made = Document(kind, name, json.loads(said), number, self._now_us(), actor)
            draw_numbers(connection, COUNTER, 1)
            _write(connection, made, seq, deleted=False)
            _audit(connection, seq, made, action, known.body if known else None, made.body, note)
        return made

    def delete(self, kind: str, name: str, actor: str, *, note: str = "") -> Document:
        """Take a document away; the one that was there. Raises `NotFoundError` when there is none."""
        _require_storable(kind, name, actor, note)
        with writing(self._engine) as connection:
            seq = draw_numbers(connection, COUNTER, 1) + 1
            known = _find(connection, kind, name)
            if known is None:
                raise NotFoundError(f"there is no such {kind}", found=name)
            gone = Document(kind, name, known.body, known.revision + 1, self._now_us(), actor)
            _write(connection, gone, seq, deleted=True)
            _audit(connection, seq, gone, "delete", known.body, None, note)
        return known

    def get(self, kind: str, name: str) -> Document:
        """One document; raises `NotFoundError`."""
        _require_storable(kind, name)
        with reading(self._engine) as connection:
            found = _find(connection, kind, name)
        if found is None:
            raise NotFoundError(f"there is no such {kind}", found=name)
        return found

    def all_of(self, kind: str) -> list[Document]:
        """Every document of a kind, by name."""
        statement = select(CONTROLS_TABLE).where(C.kind == kind, C.deleted.is_(False)).order_by(C.name)
        with reading(self._engine) as connection:
            return [_document(row) for row in connection.execute(statement)]

    def last_seq(self) -> int:
        """Number of the newest change of any document; 0 before the first."""
        with reading(self._engine) as connection:
            return counter_value(connection, COUNTER)

    def audit(self, limit: int = 100, before_seq: int | None = None) -> list[AuditEntry]:
        """Changes, the newest first; `before_seq` pages on."""
        statement = select(AUDIT_TABLE).order_by(A.seq.desc()).limit(limit)
        if before_seq is not None:
            statement = statement.where(A.seq < before_seq)
        with reading(self._engine) as connection:
            return [_entry(row) for row in connection.execute(statement)]


def _find(connection: Connection, kind: str, name: str) -> Document | None:
    wanted = select(CONTROLS_TABLE).where(C.kind == kind, C.name == name, C.deleted.is_(False))
    row = connection.execute(wanted).one_or_none()
    return None if row is None else _document(row)


def _last_revision(connection: Connection, kind: str, name: str) -> int:
    """Also of one that was deleted: a revision never comes twice."""
    wanted = select(C.revision).where(C.kind == kind, C.name == name)
    return int(connection.execute(wanted).scalar_one_or_none() or 0)


def _require_revision(known: Document | None, revision: int | None, kind: str, name: str) -> None:
    there = known.revision if known else 0
    if revision is not None and revision != there:
        raise ConflictError(
            f"the {kind} was changed meanwhile", expected=f"revision {revision}", found=str(there), where=name
        )


def _require_storable(*texts: str) -> None:
    """SQLite keeps a NUL and PostgreSQL refuses it; neither takes half a surrogate pair."""
    for text in texts:
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
            raise InputError(
                "a text cannot be stored", expected="no NUL, no half of a pair", found=ascii(text)
            )


def _json(body: Mapping[str, Any]) -> str:
    """The body as it is stored; raises `InputError` for what JSON cannot say, NaN included."""
    try:
        return json.dumps(dict(body), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError("a decision is no JSON", expected="JSON", found=str(error)) from error


def _write(connection: Connection, document: Document, seq: int, *, deleted: bool) -> None:
    values = {
        "body": _json(document.body),
        "revision": document.revision,
        "change_seq": seq,
        "deleted": deleted,
        "updated_at": document.updated_at_us,
        "updated_by": document.updated_by,
    }
    change = update(CONTROLS_TABLE).where(C.kind == document.kind, C.name == document.name)
    if connection.execute(change.values(**values)).rowcount == 0:
        connection.execute(insert(CONTROLS_TABLE).values(kind=document.kind, name=document.name, **values))


def _audit(
    connection: Connection,
    seq: int,
    document: Document,
    action: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    note: str,
) -> None:
    connection.execute(
        insert(AUDIT_TABLE).values(
            seq=seq,
            at=document.updated_at_us,
            actor=document.updated_by,
            action=action,
            kind=document.kind,
            name=document.name,
            before=None if before is None else _json(before),
            after=None if after is None else _json(after),
            note=note,
        )
    )


def _document(row: Any) -> Document:
    return Document(row.kind, row.name, json.loads(row.body), row.revision, row.updated_at, row.updated_by)


def _entry(row: Any) -> AuditEntry:
    before, after = (text and json.loads(text) for text in (row.before, row.after))
    return AuditEntry(row.seq, row.at, row.actor, row.action, row.kind, row.name, before, after, row.note)
