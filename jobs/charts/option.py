"""`--plot FILE`, the same for every command that has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.console import err

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.charts.chart import Chart


def checked(file: Path | None) -> Path | None:
    """The file, refused before any work where it could not be drawn in the end."""
    if file is not None:
        from jobs.charts.drawing import require_drawable

        require_drawable(file)
    return file


PlotOption = Annotated[
    Path | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        dir_okay=False,
        callback=checked,
        help="Draw what was found: .html; .png or .svg with the extra `bench`.",
    ),
]


def plot(charts: Sequence[Chart], file: Path | None) -> None:
    """Draw the charts where a file was named, and say so on stderr."""
    if file is not None:
        from jobs.charts.drawing import draw

        err.print(f"plot: {draw(charts, file)}", markup=False)
