"""What is kept of one part: its section or why there is none, and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from jobs.bench.section import Cell, Plot, Section, Table, Target

NAN = float("nan")


@dataclass(frozen=True)
class Record:
    """One part's outcome; written to `FOLDER/PART.json` as soon as the part has ended."""

    name: str
    section: Section | None
    """None when the part failed."""
    failure: str
    """Why there is no section; empty when there is one."""
    command: str
    """The command line that measures this part again."""
    date: str
    """`YYYY-MM-DD`."""
    wall_s: float
    """Seconds the part took."""
    quick: bool
    rounds: int
    machine: Table

    def answers(self, quick: bool, rounds: int, machine: Table) -> bool:
        """Whether a resumed run may take this instead of measuring again."""
        return self.section is not None and (self.quick, self.rounds, self.machine) == (
            quick,
            rounds,
            machine,
        )


def write_record(record: Record, file: Path) -> None:
    """Write as JSON; numbers that are not finite become null."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(as_json(record))


def as_json(found: object) -> bytes:
    """Records, alone or in mappings, as indented JSON."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    return orjson.dumps(found, option=options | orjson.OPT_APPEND_NEWLINE)


def read_record(file: Path) -> Record | None:
    """What `write_record` wrote; None for a file that is absent or not such a record."""
    try:
        found = orjson.loads(file.read_bytes())
        section = None if found["section"] is None else _section(found["section"])
        return Record(**{**found, "section": section, "machine": _table(found["machine"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _section(found: dict[str, Any]) -> Section:
    return Section(
        name=found["name"],
        title=found["title"],
        tables=tuple(_table(table) for table in found["tables"]),
        targets=tuple(Target(**{**row, "measured": _number(row["measured"])}) for row in found["targets"]),
        notes=tuple(found["notes"]),
        plots=tuple(_plot(plot) for plot in found["plots"]),
        figures=found["figures"],
    )


def _table(found: dict[str, Any]) -> Table:
    rows = tuple(tuple(_cell(cell) for cell in row) for row in found["rows"])
    return Table(found["title"], tuple(found["columns"]), rows)


def _plot(found: dict[str, Any]) -> Plot:
    lines = {
        name: (tuple(map(_number, xs)), tuple(map(_number, ys))) for name, (xs, ys) in found["lines"].items()
    }
    return Plot(**{**found, "lines": lines})


def _cell(found: Cell | None) -> Cell:
    return NAN if found is None else found


def _number(found: float | None) -> float:
    return NAN if found is None else found
