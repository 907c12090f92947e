"""An evaluation as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

from html import escape

import plotly.graph_objects as go
from plotly.io import to_html

from recsys.evaluation.markdown import COLUMNS
from recsys.evaluation.result import EvaluationResult, MethodResult, TableResult

STYLE = "body{font-family:sans-serif;margin:2em;max-width:1200px}td,th{padding:.2em .6em;text-align:right}"


def to_page(result: EvaluationResult) -> str:
    """Tables and plots of every protocol."""
    title = escape(f"Evaluation of {result.label}")
    parts = [
        f"<!doctype html><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>"
    ]
    parts.append(f"<p>{escape(result.command)}</p>")
    parts += [f"<p><strong>{escape(result.caveat)}</strong></p>"] if result.caveat else []
    library: bool | str = True
    for table in result.tables:
        parts.append(f"<h2>{escape(table.title)}</h2>{_table(table)}")
        for figure in (_accuracy(table), _frontier(table), _slices(table)):
            parts.append(to_html(figure, full_html=False, include_plotlyjs=library))
            library = False
    if result.learning_curve:
        parts.append("<h2>training of the encoder</h2>")
        parts.append(to_html(_curve(result), full_html=False, include_plotlyjs=library))
    return "\n".join(parts)


def _curve(result: EvaluationResult) -> go.Figure:
    figure = go.Figure(layout={"title": "Validation by epoch", "xaxis": {"title": "epoch (0: untrained)"}})
    for name in ("ndcg@10", "auc"):
        x, y = ([row[key] for row in result.learning_curve] for key in ("epoch", name))
        figure.add_scatter(x=x, y=y, name=name, mode="lines+markers")
    return figure


def _table(table: TableResult) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("method", *COLUMNS))
    rows = "".join(f"<tr>{_cells(method)}</tr>" for method in table.methods)
    return f"<table><tr>{head}</tr>{rows}</table>"


def _cells(method: MethodResult) -> str:
    values = [method.name, *(f"{method.metrics.get(name, float('nan')):.4f}" for name in COLUMNS)]
    return "".join(f"<td>{escape(value)}</td>" for value in values)


def _accuracy(table: TableResult) -> go.Figure:
    names = [escape(method.name) for method in table.methods]
    means = [method.ndcg.mean for method in table.methods]
    spread = {
        "type": "data",
        "array": [method.ndcg.high - method.ndcg.mean for method in table.methods],
        "arrayminus": [method.ndcg.mean - method.ndcg.low for method in table.methods],
    }
    return go.Figure(go.Bar(x=names, y=means, error_y=spread), {"title": "NDCG@10 with 95 % intervals"})


def _frontier(table: TableResult) -> go.Figure:
    points = [(m.metrics["coverage@10"], m.metrics["ndcg@10"], escape(m.name)) for m in table.methods]
    figure = go.Figure(layout={"title": "Accuracy and coverage", "xaxis": {"title": "coverage@10"}})
    x, y, text = (list(column) for column in zip(*points, strict=True))
    figure.add_scatter(x=x, y=y, text=text, mode="markers+text", textposition="top center", name="methods")
    figure.add_scatter(
        x=[coverage for _, _, coverage in table.frontier],
        y=[ndcg for _, ndcg, _ in table.frontier],
        text=[f"popularity {factor:.3g}" for factor, _, _ in table.frontier],
        mode="lines+markers",
        name="ours, by the factor of popularity",
    )
    return figure


def _slices(table: TableResult) -> go.Figure:
    figure = go.Figure(layout={"title": "NDCG@10 by slice", "barmode": "group"})
    for method in table.methods[:4]:
        names = [escape(name) for name in method.slices]
        values = [slice_["ndcg@10"] for slice_ in method.slices.values()]
        figure.add_bar(x=names, y=values, name=escape(method.name))
    return figure
