"""An evaluation as Markdown: one table a protocol, differences with intervals, slices."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.evaluation.result import EvaluationResult, MethodResult, TableResult

COLUMNS = (
    "ndcg@10", "hr@10", "recall@20", "recall@50", "mrr@10", "map@10", "auc", "coverage@10", "gini@10",
    "novelty@10",
)  # fmt: skip


def to_markdown(result: EvaluationResult) -> str:
    """The whole report."""
    period = f", test period {result.holdout_days:g} days" if result.holdout_days else ""
    head = [
        f"# Evaluation of {result.label}",
        "",
        f"{result.num_items:,} items, {result.num_users:,} users, {result.num_events:,} events "
        f"({result.num_train_events:,} before the test questions); split: {result.split}{period}; "
        f"full catalogue ranked; settings chosen on validation, test asked once; seed {result.seed}; "
        f"{result.seconds:.0f} s in all.",
        "",
        f"`{result.command}`" + (f", encoder {result.encoder_version}" if result.encoder_version else ""),
        *(["", f"**{result.caveat}**"] if result.caveat else []),
    ]
    return "\n".join([*head, *(line for table in result.tables for line in _table(table))]) + "\n"


def _table(table: TableResult) -> list[str]:
    header = ["method", *COLUMNS, "ours less it, NDCG@10 (95 %)", "tried", "fit s", "users/s"]
    lines = [
        "",
        f"## {table.title}",
        "",
        f"{table.num_users:,} users asked, {table.num_without_target:,} without a target.",
        "",
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *(_row(method) for method in table.methods),
    ]
    return [*lines, *_slices(table.methods)]


def _row(method: MethodResult) -> str:
    name = f"**{method.name}**" if method.difference is None else method.name
    values = [f"{method.metrics.get(column, float('nan')):.4f}" for column in COLUMNS]
    gap = method.difference
    shown = f"{gap.mean:+.4f} [{gap.low:+.4f}, {gap.high:+.4f}]" if gap else ""
    cells = [
        name,
        *values,
        shown,
        str(method.num_trials),
        f"{method.fit_s:.1f}",
        f"{method.users_per_s:,.0f}",
    ]
    return "| " + " | ".join(cells) + " |"


def _slices(methods: Sequence[MethodResult]) -> list[str]:
    ours = next((method for method in methods if method.difference is None), None)
    best = next((method for method in methods if method.difference is not None), None)
    if ours is None or best is None:
        return []
    rows = [
        f"| {name} | {values['users']:,.0f} | {values['ndcg@10']:.4f} | "
        f"{best.slices.get(name, {}).get('ndcg@10', float('nan')):.4f} |"
        for name, values in ours.slices.items()
    ]
    return ["", f"| slice | users | ours NDCG@10 | {best.name} |", "|---|---|---|---|", *rows]
