"""`recsys bench` on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.console import out, sayer
from jobs.options import JsonOption

if TYPE_CHECKING:
    from jobs.bench.record import Record
    from jobs.bench.section import Table

PAGE = Path("docs/performance.md")
FOLDER = Path("workspace-bench")


def bench(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            help="embedding, reembedding, retrieval, http, events, growth; all when absent.",
            autocompletion=lambda: ["embedding", "reembedding", "retrieval", "http", "events", "growth"],
        ),
    ] = None,
    quick: Annotated[bool, typer.Option(help="Small sizes, for a look; no page unless it is named.")] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each contestant; the median is told.")] = 5,
    page: Annotated[
        Path | None, typer.Option(help="Page to write into; docs/performance.md when absent.")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", dir_okay=False, help="Write all figures to this file, as JSON."),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Folder for scratch files and each part's figures.")] = FOLDER,
    resume: Annotated[
        bool, typer.Option(help="Keep parts that this folder already has, measured alike on this machine.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure every step beside what a user would pick instead, and write tables, targets and plots.

    The exit code is 1 when a part failed; the others have run and are kept.

    Example: recsys bench retrieval --quick
    Example: recsys bench --page docs/performance.md --resume
    """
    from jobs.bench.run import Bench
    from jobs.bench.section import BenchSettings

    settings = BenchSettings(folder.resolve(), quick, rounds, sayer(as_json))
    records = Bench(parts or (), settings, page or (None if quick else PAGE), resume).run()
    for record in [] if as_json else records:
        _print(record)
    if as_json:
        sys.stdout.buffer.write(_as_json(records))
    if figures:
        _write(figures, records)
    if any(record.section is None for record in records):
        raise typer.Exit(1)


def _print(record: Record) -> None:
    """One part's tables, targets and notes."""
    from jobs.bench.report import targets_table

    out.rule(f"{record.name}{' (quick: no result)' if record.quick else ''}")
    if record.section is None:
        out.print(f"failed: {record.failure}", markup=False)
        return
    tables = [
        *record.section.tables,
        *([targets_table(record.section.targets)] * bool(record.section.targets)),
    ]
    for table in tables:
        _print_table(table)
    for note in record.section.notes:
        out.print(f"- {note}", markup=False)


def _print_table(table: Table) -> None:
    from rich.markup import escape
    from rich.table import Table as RichTable

    from jobs.bench.report import cell_text

    shown = RichTable(title=escape(table.title), title_justify="left")
    for place, column in enumerate(table.columns):
        numeric = all(not isinstance(row[place], str) for row in table.rows)
        shown.add_column(escape(column), justify="right" if numeric else "left")
    for row in table.rows:
        shown.add_row(*(escape(cell_text(cell)) for cell in row))
    out.print(shown)


def _write(file: Path, records: list[Record]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_as_json(records))


def _as_json(records: list[Record]) -> bytes:
    from jobs.bench.record import as_json

    return as_json({record.name: record for record in records})


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(bench)
