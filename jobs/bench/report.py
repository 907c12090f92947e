"""What was measured as Markdown, between markers of a page whose prose stays as it is."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

from jobs.bench.plots import draw
from jobs.bench.record import Record
from jobs.bench.section import Cell, Section, Table, Target

MACHINE = "machine"
PLOTS = "performance"
"""Folder of the plots, beside the page."""
HEAD = "# Performance\n"


def write_page(page: Path, machine: Table, records: Sequence[Record]) -> None:
    """Put the machine and each record between its markers, append what has none, draw the plots.

    A page that does not exist is made. The same records give the same bytes.
    """
    text = page.read_text() if page.exists() else HEAD
    text = placed(text, MACHINE, "Machine", table_lines(machine))
    for record in records:
        title = record.section.title if record.section else record.name
        text = placed(text, record.name, title, record_lines(record))
        for plot in record.section.plots if record.section else ():
            draw(plot, page.parent / PLOTS)
    page.parent.mkdir(parents=True, exist_ok=True)
    # Whoever reads the page while it is written sees the old one or the new one.
    written = page.with_suffix(".tmp")
    written.write_text(text)
    os.replace(written, page)


def placed(text: str, name: str, title: str, lines: Sequence[str]) -> str:
    """`text` with `lines` between the markers of `name`; a page without them gets a section at its end."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    block = "\n".join([begin, *lines, end])
    found = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if found.search(text):
        return found.sub(lambda _: block, text, count=1)
    return f"{text.rstrip()}\n\n## {title}\n\n{block}\n"


def record_lines(record: Record) -> list[str]:
    """One part as Markdown: how it was measured, then its section or why there is none."""
    mark = "**Quick run at small sizes: no result.** " if record.quick else ""
    lines = [f"{mark}{record.date}, {record.wall_s:,.0f} s: `{record.command}`", ""]
    if record.section is None:
        return [*lines, f"**This part failed:** {_inline(record.failure)}"]
    return [*lines, *_section_lines(record.section)]


def table_lines(table: Table) -> list[str]:
    """A table as Markdown under its title; columns of numbers are right-aligned."""
    rows = [[_inline(cell_text(cell)) for cell in row] for row in table.rows]
    sides = ["---:" if _is_numeric(table, place) else "---" for place in range(len(table.columns))]
    return [f"**{table.title}**", "", *_pipes([[*map(_inline, table.columns)], sides, *rows])]


def targets_table(targets: Sequence[Target]) -> Table:
    """Targets with what was measured, met or missed."""
    rows = tuple(
        (
            target.what,
            f"{'at least' if target.at_least else 'at most'} {target.wanted:,.6g}",
            measured_text(target),
            "met" if target.met else "missed",
        )
        for target in targets
    )
    return Table("Targets", ("target", "wanted", "measured", "verdict"), rows)


def cell_text(cell: Cell, digits: int = 3) -> str:
    """A cell as people read it: texts and integers whole, other numbers with significant digits."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int):
        return f"{cell:,}"
    if math.isnan(cell):
        return "not measured"
    if cell == 0 or math.isinf(cell):
        return f"{cell:g}"
    rounded = float(f"{cell:.{digits}g}")
    whole = f"{rounded:,.0f}"
    return whole if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:#,.{digits}g}"


def measured_text(target: Target) -> str:
    """What was measured, with four digits and as many more as its verdict needs."""
    for digits in range(4, 9):
        text = cell_text(float(target.measured), digits)
        if math.isnan(target.measured) or _as_target(target, text).met == target.met:
            return text
    return repr(target.measured)


def _as_target(target: Target, text: str) -> Target:
    return Target(target.what, target.wanted, float(text.replace(",", "")), target.at_least)


def _section_lines(section: Section) -> list[str]:
    tables = [*section.tables, *([targets_table(section.targets)] if section.targets else [])]
    lines = [line for table in tables for line in [*table_lines(table), ""]]
    lines += [f"- {_inline(note)}" for note in section.notes] + ([""] if section.notes else [])
    lines += [f"![{plot.title}]({PLOTS}/{plot.name}.svg)" for plot in section.plots]
    return lines[:-1] if lines and not lines[-1] else lines


def _is_numeric(table: Table, place: int) -> bool:
    return bool(table.rows) and all(not isinstance(row[place], str) for row in table.rows)


def _pipes(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in rows]


def _inline(text: str) -> str:
    """A text that neither ends a cell or a line nor closes a marker."""
    return " ".join(text.split()).replace("|", "\\|").replace("-->", "--&gt;")
