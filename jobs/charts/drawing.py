"""Charts into a file: HTML with plotly, PNG or SVG with matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jobs.charts.chart import Chart, Kind, Series, Value
from recsys.errors import ConfigError

PAGE, PICTURES = ".html", (".png", ".svg")
SIZE_INCHES = (7.2, 3.6)
DOTS_PER_INCH = 144


def require_drawable(file: Path) -> Path:
    """The file, if it can be drawn here; raises `ConfigError` for another ending or without matplotlib."""
    if file.suffix not in (PAGE, *PICTURES):
        raise ConfigError("a plot has no such format", expected=".html, .png or .svg", found=file.name)
    if file.suffix in PICTURES and find_spec("matplotlib") is None:
        raise ConfigError(
            "pictures need matplotlib",
            expected="the extra `bench`, or a file that ends with .html",
            found=file.name,
            hint="pip install 'recsys-on-ray[bench]'",
        )
    return file


def draw(charts: Sequence[Chart], file: Path) -> Path:
    """Write the charts, one below the other, and the path; the same picture for the same figures.

    A series without values leaves empty axes. Raises `ConfigError` as `require_drawable` does.
    """
    require_drawable(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == PAGE:
        file.write_text(_page(charts), encoding="utf-8")
    else:
        _picture(charts, file)
    return file


def _page(charts: Sequence[Chart]) -> str:
    from plotly.io import to_html

    title = escape(", ".join(chart.title for chart in charts))
    figures = [
        to_html(_figure(chart), full_html=False, include_plotlyjs=place == 0)
        for place, chart in enumerate(charts)
    ]
    return "\n".join([f"<!doctype html><meta charset='utf-8'><title>{title}</title>", *figures])


def _figure(chart: Chart) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure(layout={"title": escape(chart.title)})
    for one in chart.series:
        values: dict[str, Any] = {"x": _labels(one.x), "y": _labels(one.y), "name": escape(one.name)}
        values |= {"text": [escape(note) for note in one.notes]} if one.notes else {}
        if reach := one.reach():
            values["error_y"] = {"type": "data", "arrayminus": reach[0], "array": reach[1]}
        if chart.kind is Kind.BARS:
            figure.add_bar(**values)
        else:
            figure.add_scatter(mode="markers" if chart.kind is Kind.POINTS else "lines+markers", **values)
    figure.update_xaxes(title=escape(chart.x_label), type="log" if chart.log else None)
    figure.update_yaxes(title=escape(chart.y_label), type="log" if chart.log else None)
    if chart.from_zero:
        figure.update_yaxes(rangemode="tozero")
    return figure


def _labels(values: Sequence[Value]) -> list[Value]:
    return [escape(value) if isinstance(value, str) else value for value in values]


def _picture(charts: Sequence[Chart], file: Path) -> None:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    width, height = SIZE_INCHES
    # Ids in an SVG are random without a salt, and its date would change with every run.
    with mpl.rc_context({"svg.hashsalt": "chart", "font.size": 9}):
        figure = Figure(figsize=(width, height * max(len(charts), 1)), layout="constrained")
        for place, chart in enumerate(charts, 1):
            _fill(figure.add_subplot(len(charts), 1, place), chart)
        stamp = {"Date": None, "Creator": None} if file.suffix == ".svg" else {}
        figure.savefig(file, format=file.suffix[1:], dpi=DOTS_PER_INCH, metadata=stamp)


def _fill(axes: Any, chart: Chart) -> None:
    for place, one in enumerate(chart.series):
        _add(axes, chart, one, place)
    axes.set(title=chart.title, xlabel=chart.x_label, ylabel=chart.y_label)
    if chart.log:
        axes.set(xscale="log", yscale="log")
    if chart.from_zero:
        axes.set_ylim(bottom=0.0)
    if any(isinstance(x, str) for one in chart.series for x in one.x):
        axes.tick_params(axis="x", labelrotation=40)
    axes.grid(alpha=0.3)
    if len(chart.series) > 1:
        axes.legend(frameon=False)


def _add(axes: Any, chart: Chart, one: Series, place: int) -> None:
    reach = one.reach()
    if chart.kind is Kind.BARS:
        width = 0.8 / len(chart.series)
        at = [number + place * width for number in range(len(one.x))]
        axes.bar(at, one.y, width, yerr=reach, label=one.name, capsize=2)
        middle = [number + 0.4 - width / 2 for number in range(len(one.x))]
        axes.set_xticks(middle, [str(x) for x in one.x], ha="right", rotation_mode="anchor")
        return
    line = "none" if chart.kind is Kind.POINTS else "-"
    axes.errorbar(one.x, one.y, yerr=reach, fmt="o", linestyle=line, markersize=3.5, linewidth=1.0,
                  capsize=2, label=one.name)  # fmt: skip
