"""The event log examined whole: every row's digest, the rows that should be there, the structure below."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select, text, update

from cluster.database import COUNTERS, DAMAGED, EVENTS_TABLE, REMOVED, reading, writing
from cluster.event_rows import ROW, SEQ, DamagedRows, read_rows, whole
from cluster.log_file import logs_set_aside
from recsys.errors import RecsysError, StoreError

E = EVENTS_TABLE.c
PAGE = 2_000
MOST_MESSAGES = 20
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class EventCheck:
    """What was found."""

    whole: int = 0
    """Rows that are as they were written."""
    damaged: Mapping[int, str] = field(default_factory=dict)
    """Reason by `seq` of rows that the disk changed; reads leave them out."""
    missing: int = 0
    """Numbers that were drawn and have no row, beyond the rows that were removed on purpose."""
    structure: tuple[str, ...] = ()
    """What the database says of its own pages and indexes, at most `MOST_MESSAGES` lines."""
    logs: tuple[str, ...] = ()
    """Damaged write-ahead logs that were set aside and wait for a repair."""

    @property
    def faults(self) -> int:
        """Everything that is wrong, counted; 0: the log is whole."""
        return len(self.damaged) + self.missing + len(self.structure) + len(self.logs)


def check_events(
    engine: Engine, on_progress: Progress = lambda done, total: None, pause_s: float = 0.0
) -> EventCheck:
    """Read the whole log, resting `pause_s` after every `PAGE` rows; what the check cannot read it tells.

    Other writers may go on. Raises nothing that is the database's fault.
    """
    damaged, structure = DamagedRows(), list(_structure(engine))
    rows = missing = 0
    try:
        rows, missing = _read_all(engine, damaged, on_progress, pause_s)
    except RecsysError as error:
        structure.append(str(error))
    kept = tuple(dict.fromkeys(structure))[:MOST_MESSAGES]
    return EventCheck(rows, damaged.reasons, missing, kept, _logs(engine))


def note_check(engine: Engine, check: EventCheck) -> None:
    """Write the number of faults where metrics and `recsys doctor` find it. Raises `StoreError`."""
    with writing(engine) as connection:
        connection.execute(update(COUNTERS).where(COUNTERS.c.name == DAMAGED).values(value=check.faults))


def _read_all(engine: Engine, damaged: DamagedRows, on_progress: Progress, pause_s: float) -> tuple[int, int]:
    with reading(engine) as connection:
        drawn, removed = _counter(connection, "events"), _counter(connection, REMOVED)
    seq = found = seen = 0
    page = select(*ROW).order_by(E.seq).limit(PAGE)
    while seq < drawn:
        with reading(engine) as connection:
            rows = read_rows(connection, page.where(E.seq > seq, E.seq <= drawn))
        if not rows:
            break
        found += len(whole(rows, damaged))
        seen += len(rows)
        seq = rows[-1][SEQ]
        on_progress(seq, drawn)
        if pause_s:
            time.sleep(pause_s)
    with reading(engine) as connection:
        removed_meanwhile = _counter(connection, REMOVED) - removed
        counted = connection.execute(select(func.count()).select_from(EVENTS_TABLE).where(E.seq <= drawn))
        other = abs(int(counted.scalar_one()) - seen)  # by an index, where the rows came from the table
    missing = max(drawn - seen - removed - removed_meanwhile, 0)
    return found, missing or max(other - removed_meanwhile, 0)


def _counter(connection: Connection, name: str) -> int:
    found = connection.execute(select(COUNTERS.c.value).where(COUNTERS.c.name == name)).scalar_one_or_none()
    if found is None:
        raise StoreError("a counter is absent", expected=name, where="table counters")
    return int(found)


def _structure(engine: Engine) -> Iterator[str]:
    """Complaints of SQLite about its file; a server checks its pages itself."""
    if engine.dialect.name != "sqlite":
        return
    try:
        with reading(engine) as connection:
            said = connection.execute(text(f"PRAGMA integrity_check({MOST_MESSAGES})")).scalars().all()
    except RecsysError as error:
        yield str(error)
        return
    yield from (line.removeprefix("*** in database main ***\n") for line in said if line != "ok")


def _logs(engine: Engine) -> tuple[str, ...]:
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return ()
    return tuple(path.name for path in logs_set_aside(Path(name)))
