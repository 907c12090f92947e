"""What commands print: progress with rate and time left, tables for people, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
Advance = Callable[[int, int | None], None]


class Rate(ProgressColumn):
    """Work done per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The rate, or nothing before there is one."""
        return Text(f"{task.speed:,.0f} {self._unit}/s" if task.speed else "", style="cyan")


@contextmanager
def progress(title: str, unit: str, quiet: bool) -> Iterator[Advance]:
    """A bar on stderr; the callable it gives takes (done, total or None when unknown)."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, disable=quiet) as bar:
        task = bar.add_task(title, total=None)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


@contextmanager
def waiting(title: str, quiet: bool) -> Iterator[None]:
    """A spinner and the seconds so far on stderr, for work that cannot tell how far it is."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=err, disable=quiet, transient=True) as bar:
        bar.add_task(title, total=None)
        yield


def sayer(quiet: bool) -> Callable[[str], None]:
    """One line on stderr for each thing that was found, with the seconds since the start."""
    begun = time.monotonic()

    def say(text: str) -> None:
        if not quiet:
            err.print(f"{time.monotonic() - begun:6.0f} s  {text}", markup=False)

    return say


def show(title: str, rows: Mapping[str, Any], as_json: bool) -> None:
    """A result: a two-column table, or one JSON object on stdout."""
    if as_json:
        sys.stdout.write(json.dumps(rows, default=str) + "\n")
        return
    table = Table(title=title, title_justify="left", show_header=False)
    for name, value in rows.items():
        table.add_row(name.replace("_", " "), Text(readable(value)))  # data is never read as markup
    out.print(table)


def readable(value: Any) -> str:
    """A cell as people write it: thousands apart, mappings one pair a line."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {readable(item)}" for name, item in value.items()) or "-"
    return str(value)
