"""What jobs wrote about people: logs, reports, results of runs, the list of trusted users."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Table, inspect, select, update

from cluster.loop_tables import LOOP_REQUESTS_TABLE, LOOP_RUNS_TABLE, LOOP_STATE_TABLE
from recsys.config import RobustnessConfig
from recsys.redaction import redacted
from recsys.robustness import load_robustness
from recsys.tombstones import People
from recsys.workspace import Workspace, replace_file

FOLDERS = ("logs", "loop", "reports", "runs")
SUFFIXES = frozenset((".csv", ".html", ".json", ".jsonl", ".log", ".md", ".txt"))
TEXTS: tuple[tuple[Table, str, tuple[str, ...]], ...] = (
    (LOOP_RUNS_TABLE, "number", ("reasons", "inputs", "result")),
    (LOOP_REQUESTS_TABLE, "number", ("answer",)),
    (LOOP_STATE_TABLE, "name", ("value",)),
)


def redact_files(workspace: Workspace, people: People) -> int:
    """Overwrite the people's names in every log and report; in how many lines.

    In place, byte for byte: a job that is writing to its log goes on undisturbed.
    """
    return sum(_redact(file, people) for file in journals(workspace.root)) + _distrust(workspace, people)


def redact_runs(connection: Connection, people: People) -> int:
    """The same in the book of the feedback loop; in how many cells."""
    known = inspect(connection).get_table_names()
    return sum(
        _redact_cells(connection, table, key, columns, people)
        for table, key, columns in TEXTS
        if table.name in known
    )


def journals(root: Path) -> Iterator[Path]:
    """Text files that jobs write below a workspace, and logs beside them."""
    for folder in FOLDERS:
        yield from (file for file in sorted((root / folder).rglob("*")) if file.suffix in SUFFIXES)
    yield from sorted(root.glob("*.log"))


def _redact(file: Path, people: People) -> int:
    changed, offset = 0, 0
    with file.open("r+b") as opened:
        for line in opened:
            clean = redacted(line, people)
            if clean != line:
                os.pwrite(opened.fileno(), clean, offset)
                changed += 1
            offset += len(line)
        if changed:
            os.fsync(opened.fileno())
    return changed


def _redact_cells(
    connection: Connection, table: Table, key: str, columns: tuple[str, ...], people: People
) -> int:
    changed = 0
    for row in connection.execute(select(table)).mappings():
        said = {name: str(row[name]) for name in columns}
        clean = {name: redacted(text.encode(), people).decode() for name, text in said.items()}
        if different := {name: text for name, text in clean.items() if text != said[name]}:
            connection.execute(update(table).where(table.c[key] == row[key]).values(**different))
            changed += len(different)
    return changed


def _distrust(workspace: Workspace, people: People) -> int:
    """Take the people out of the list of users who are never screened."""
    if not workspace.robustness.exists():
        return 0
    config = load_robustness(workspace)
    kept = frozenset(key for key in config.screening.trusted if key not in people)
    if kept == config.screening.trusted:
        return 0
    screening = config.screening.model_copy(update={"trusted": kept})
    changed: RobustnessConfig = config.model_copy(update={"screening": screening})
    said = changed.model_dump_json(indent=1, exclude_unset=True)
    replace_file(workspace.robustness, said.encode())
    return len(config.screening.trusted) - len(kept)
