"""What has outlived its window is removed for good: events, links, answers, refused rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, case, delete, func, literal, select

from cluster.answer_tables import ANSWERS_TABLE
from cluster.database import EVENTS_TABLE, RETENTIONS, VISITOR_OWNERS, draw_numbers, reading, writing
from cluster.event_store import COUNTER
from cluster.leftover_bytes import wipe
from cluster.quarantined_rows import event_files
from recsys.privacy.settings import DAY_US, RetentionConfig
from recsys.workspace import Workspace

E, V, A = EVENTS_TABLE.c, VISITOR_OWNERS.c, ANSWERS_TABLE.c
ROWS_AT_ONCE = 50_000
"""Places of the log that one transaction looks at; appends wait for it."""
NEEDLES = 16
"""Ids of removed rows that are looked for in the files afterwards."""
AGE = case((E.occurred_at > E.received_at, E.received_at), else_=E.occurred_at)
"""When an event happened; a sender's clock that is ahead keeps nothing for longer."""


@dataclass(frozen=True)
class RetentionCounts:
    """What was removed, or would be."""

    events: int = 0
    links: int = 0
    """Visitors known to be users of whom no event is left that says so."""
    answers: int = 0
    refused_files: int = 0
    """Files with refused rows of events, written before the window."""
    clean: bool = True
    """Whether no leftover byte was found in the database files; False: see docs/private-learning.md."""

    def as_rows(self) -> dict[str, Any]:
        """What people and machines read."""
        return asdict(self)


class Retention:
    """Windows over one shop's two databases and its workspace. Any process may apply them, at any time."""

    def __init__(
        self,
        workspace: Workspace,
        engine: Engine,
        serving: Engine,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1_000,
    ) -> None:
        self._workspace, self._engine, self._serving, self._now_us = workspace, engine, serving, now_us

    def look(self, windows: RetentionConfig) -> RetentionCounts:
        """What `apply` would remove now; nothing is."""
        events, links, files = 0, 0, 0
        if (oldest := self._oldest_us(windows.event_days)) is not None:
            with reading(self._engine) as connection:
                old = select(func.count()).select_from(EVENTS_TABLE).where(oldest > AGE)
                events = int(connection.execute(old).scalar_one())
                orphans = select(func.count()).select_from(VISITOR_OWNERS).where(_is_orphan(oldest))
                links = int(connection.execute(orphans).scalar_one())
            files = len(self._old_files(oldest))
        answers = 0
        if (oldest := self._oldest_us(windows.answer_days)) is not None:
            with reading(self._serving) as connection:
                shown = select(func.count()).select_from(ANSWERS_TABLE).where(A.at < oldest)
                answers = int(connection.execute(shown).scalar_one())
        return RetentionCounts(events, links, answers, files)

    def apply(self, windows: RetentionConfig, *, rebuild: bool = False) -> RetentionCounts:
        """Remove what is older than its window, overwrite it on the disk, and say how much it was.

        What happened at the window's edge or later stays. Repeated, it finds nothing but what has grown
        old meanwhile. Killed, it goes on where it was. `rebuild` writes SQLite files anew in any case.
        Raises `StoreError`.
        """
        events = links = answers = files = 0
        clean = True
        if (oldest := self._oldest_us(windows.event_days)) is not None:
            found = list(self._take_events(oldest))
            events = sum(count for count, _ in found)
            needles: Sequence[str] = [one for _, part in found for one in part]
            links = self._take_links(oldest)
            files = sum(_removed(file) for file in self._old_files(oldest))
            clean = self._wiped(self._engine, needles, events + links, rebuild)
        if (oldest := self._oldest_us(windows.answer_days)) is not None:
            answers, needles = self._take_answers(oldest)
            clean &= self._wiped(self._serving, needles, answers, rebuild)
        return RetentionCounts(events, links, answers, files, clean)

    def _oldest_us(self, days: float | None) -> int | None:
        return None if days is None else self._now_us() - round(days * DAY_US)

    def _take_events(self, oldest_us: int) -> Iterator[tuple[int, Sequence[str]]]:
        """How many went from each part of the log, and the ids of some."""
        with reading(self._engine) as connection:
            first, last = connection.execute(select(func.min(E.seq), func.max(E.seq))).one()
        for start in range(first or 0, (last or -1) + 1, ROWS_AT_ONCE):
            old = (E.seq >= start) & (E.seq < start + ROWS_AT_ONCE) & (oldest_us > AGE)
            with reading(self._engine) as connection:
                ids = connection.execute(select(E.event_id).where(old).limit(NEEDLES)).scalars().all()
            if not ids:
                continue
            with writing(self._engine) as connection:
                draw_numbers(connection, RETENTIONS, 1)  # tells caches of histories to read again
                count = int(connection.execute(delete(EVENTS_TABLE).where(old)).rowcount)
            yield count, ids

    def _take_links(self, oldest_us: int) -> int:
        with writing(self._engine) as connection:
            draw_numbers(connection, COUNTER, 0)  # the writers' lock: no event may bring a link meanwhile
            return int(connection.execute(delete(VISITOR_OWNERS).where(_is_orphan(oldest_us))).rowcount)

    def _take_answers(self, oldest_us: int) -> tuple[int, Sequence[str]]:
        old = A.at < oldest_us
        with writing(self._serving) as connection:
            ids = _first(connection, select(A.recommendation_id).where(old).limit(NEEDLES))
            return int(connection.execute(delete(ANSWERS_TABLE).where(old)).rowcount), ids

    def _old_files(self, oldest_us: int) -> list[Path]:
        files = event_files(self._workspace.quarantine)
        return [file for file in files if file.stat().st_mtime_ns // 1_000 < oldest_us]

    @staticmethod
    def _wiped(engine: Engine, needles: Sequence[str], removed: int, rebuild: bool) -> bool:
        if not removed and not rebuild:
            return True
        return wipe([engine], [needle.encode() for needle in needles[:NEEDLES]], rebuild=rebuild).clean


def _is_orphan(oldest_us: int) -> ColumnElement[bool]:
    """Links of visitors who have no event that stays, and whom none names."""
    stays = oldest_us <= AGE
    own = select(E.user_key).where(stays, E.user_key == V.visitor_key).exists()
    named = select(literal("visitor:") + E.visitor_id).where(stays, E.visitor_id.is_not(None))
    return ~own & V.visitor_key.not_in(named)


def _first(connection: Connection, statement: Any) -> Sequence[str]:
    return list(connection.execute(statement).scalars())


def _removed(file: Path) -> bool:
    file.unlink(missing_ok=True)
    return True
