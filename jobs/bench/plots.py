"""A part's plots as SVG files, the same bytes for the same figures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.bench.section import Plot

SIZE_INCHES = (7.2, 4.2)
MARKERS = "osD^vPX*<>hp"
WIDE = 3.0
"""An axis whose values lie within this factor stays linear: a logarithmic one would have no ticks."""


def draw(plot: Plot, folder: Path) -> Path:
    """Write `FOLDER/NAME.svg`, and its path; a line of one point is a point.

    Without values the file has empty axes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{plot.name}.svg"
    # Ids in an SVG are random without a salt, and its date would change with every run.
    with mpl.rc_context({"svg.hashsalt": plot.name, "font.size": 9}):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained")
        _fill(figure.add_subplot(), plot)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file


def _fill(axes: Any, plot: Plot) -> None:
    for place, (name, (xs, ys)) in enumerate(plot.lines.items()):
        axes.plot(xs, ys, marker=MARKERS[place % len(MARKERS)], markersize=5, linewidth=1.2, label=name)
    axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
    if plot.log:
        axes.set_xscale(_scale([x for xs, _ in plot.lines.values() for x in xs]))
        axes.set_yscale(_scale([y for _, ys in plot.lines.values() for y in ys]))
    axes.grid(True, which="major", linewidth=0.4, alpha=0.6)
    if plot.lines:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)


def _scale(values: Sequence[float]) -> str:
    known = [value for value in values if value == value]
    wide = bool(known) and min(known) > 0 and max(known) > WIDE * min(known)
    return "log" if wide else "linear"
