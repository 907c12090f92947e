"""A search as Markdown and as one HTML file that needs nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

import plotly.graph_objects as go
from plotly.io import to_html

from recsys.evaluation.html import STYLE
from recsys.tuning.result import Gain, Trial, TuningResult


def to_markdown(result: TuningResult) -> str:
    """The whole report; trials best first."""
    names = list(result.today)
    lines = [
        f"# Search of {result.kind} for {result.label}",
        "",
        f"`{result.command}`",
        "",
        _summary(result),
        "",
        "| question | users | today | best | best less today, NDCG@10 (95 %) |",
        "|---|---|---|---|---|",
        *("| " + " | ".join(_gain(gain)) + " |" for gain in result.gains),
        "",
        "Validation chose the best, so that its gain there is too high; the test was asked once, at the end.",
        "",
        f"To use it: `{result.use}`",
        "",
        "| trial | validation NDCG@10 | " + " | ".join(names) + " | epochs | s |",
        "|" + "---|" * (len(names) + 4),
        *("| " + " | ".join(_cells(trial, names, result)) + " |" for trial in _ordered(result)),
    ]
    return "\n".join(lines) + "\n"


def to_page(result: TuningResult) -> str:
    """The same tables with a plot of what was found when."""
    title, names = escape(f"Search of {result.kind} for {result.label}"), list(result.today)
    head = ("question", "users", "today", "best", "best less today, NDCG@10 (95 %)")
    parts = [
        f"<!doctype html><meta charset='utf-8'><title>{title}</title><style>{STYLE}</style><h1>{title}</h1>",
        f"<p>{escape(result.command)}</p><p>{escape(_summary(result))}</p>",
        _html_table(head, [_gain(gain) for gain in result.gains]),
        f"<p>To use it: <code>{escape(result.use)}</code></p>",
        to_html(_curve(result), full_html=False, include_plotlyjs=True),
        _html_table(
            ("trial", "validation NDCG@10", *names, "epochs", "s"),
            [_cells(trial, names, result) for trial in _ordered(result)],
        ),
    ]
    return "\n".join(parts)


def _summary(result: TuningResult) -> str:
    done = sum(trial.value is not None for trial in result.trials)
    verdict = "surely better than today's" if result.is_surely_better else "not surely better than today's"
    return (
        f"{done} of {len(result.trials)} trials came to a figure in {result.seconds:.0f} s; trial "
        f"{result.best_number} is the best; on the untouched test it is {verdict}."
    )


def _ordered(result: TuningResult) -> list[Trial]:
    return sorted(result.trials, key=lambda trial: (-(trial.value or 0.0), trial.number))


def _gain(gain: Gain) -> list[str]:
    gap = gain.difference
    shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]"
    return [gain.question, f"{gain.users:,}", f"{gain.today:.4f}", f"{gain.best:.4f}", shown]


def _cells(trial: Trial, names: list[str], result: TuningResult) -> list[str]:
    marks = [word for word, number in (("today", 0), ("best", result.best_number)) if trial.number == number]
    value = trial.error.replace("|", "/")[:60] or "-" if trial.value is None else f"{trial.value:.4f}"
    return [
        f"{trial.number} ({', '.join(marks)})" if marks else str(trial.number),
        value,
        *(_shown(trial.params.get(name)) for name in names),
        "" if trial.epochs is None else str(trial.epochs),
        f"{trial.seconds:.0f}",
    ]


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _html_table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _curve(result: TuningResult) -> go.Figure:
    judged = [trial for trial in result.trials if trial.value is not None]
    best, running = 0.0, []
    for trial in judged:
        best = max(best, trial.value or 0.0)
        running.append(best)
    numbers = [trial.number for trial in judged]
    text = [escape(", ".join(f"{k} {_shown(v)}" for k, v in trial.params.items())) for trial in judged]
    figure = go.Figure(layout={"title": "Validation NDCG@10 by trial (0: today)"})
    figure.add_scatter(
        x=numbers, y=[trial.value for trial in judged], text=text, mode="markers", name="trial"
    )
    figure.add_scatter(x=numbers, y=running, mode="lines", name="best so far")
    return figure
