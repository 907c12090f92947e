"""The tables of docs/reliability.md, written from the rows of the runs; text around them stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jobs.bench.machine import machine
from tests.chaos.cases import CASES, Case

BEGIN, END = "<!-- chaos: begin -->", "<!-- chaos: end -->"
COLUMNS = {
    "kills": "kills", "acked": "acked", "lost": "lost", "duplicated": "dupl.", "phantoms": "phantoms",
    "degraded_s": "degraded s", "p99_before_ms": "p99 before ms", "p99_during_ms": "during",
    "p99_after_ms": "after", "recovery_s": "recovery s",
}  # fmt: skip
"""Figures with a column of their own; the others stand together in the last one."""
ABSENT = "–"


def write_page(page: Path, results: Path) -> None:
    """Replace what stands between the marks of the page; a new page consists of the marks alone."""
    text = page.read_text(encoding="utf-8") if page.is_file() else f"# Reliability\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = {path.stem: json.loads(path.read_text()) for path in sorted(results.glob("*.json"))}
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(f"{before}{BEGIN}\n\n{_tables(rows)}\n{END}{after}", encoding="utf-8")


def _tables(rows: dict[str, dict[str, Any]]) -> str:
    run = [(case, rows[case.name]) for case in CASES if case.name in rows]
    seeds = sorted({str(row["seed"]) for _, row in run})
    days = sorted({row["at"][:10] for _, row in run})
    dates = days if len(days) == 1 else [days[0], days[-1]]
    held = sum(row["held"] for _, row in run)
    lines = [
        f"{held} of {len(run)} cases held. Seed {', '.join(seeds)}; {' to '.join(dates)}.",
        "",
    ]
    if missing := [case.name for case in CASES if case.name not in rows]:
        lines += [f"Without a row of this version: {', '.join(missing)}.", ""]
    lines += _figures(run)
    lines += ["", "### What was promised, and what was found", ""]
    for case, row in run:
        lines += _case(case, row)
    return "\n".join([*lines, *_machine()])


def _figures(run: list[tuple[Case, dict[str, Any]]]) -> list[str]:
    titles = ["case", "fault", "outcome", *COLUMNS.values(), "other figures"]
    lines = [_line(titles), _line(["---"] * len(titles))]
    for case, row in run:
        figures = row["figures"]
        others = "; ".join(
            f"{name.replace('_', ' ')} {_cell(value)}"
            for name, value in figures.items()
            if name not in COLUMNS
        )
        own = [_cell(figures[name]) if name in figures else ABSENT for name in COLUMNS]
        quick = " (quick)" if row["quick"] else ""
        lines.append(
            _line(
                [
                    case.name,
                    case.fault,
                    ("held" if row["held"] else "**failed**") + quick,
                    *own,
                    others or ABSENT,
                ]
            )
        )
    return lines


def _case(case: Case, row: dict[str, Any]) -> list[str]:
    lines = [f"**{case.name}, {case.fault}.** Required: {case.required}. {row['seconds']:g} s."]
    if row["broke"]:
        lines.append(f"It broke off: `{row['broke']}`.")
    lines += ["", _line(["promise", "wanted", "found", ""]), _line(["---"] * 4)]
    for check in row["checks"]:
        lines.append(
            _line(
                [
                    check["what"],
                    check["wanted"],
                    _cell(check["found"]),
                    "held" if check["held"] else "**failed**",
                ]
            )
        )
    return [*lines, "", *(f"{note}\n" for note in row["notes"])]


def _machine() -> list[str]:
    table = machine()
    lines = [
        "### The machine and the libraries",
        "",
        _line([*table.columns]),
        _line(["---"] * len(table.columns)),
    ]
    return [*lines, *(_line([_cell(cell) for cell in row]) for row in table.rows), ""]


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 1_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
