"""The charts of what commands found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jobs.charts.chart import Chart, Kind, Series

if TYPE_CHECKING:
    from recsys.evaluation.result import EvaluationResult
    from recsys.experiments.result import Comparison, ExperimentResults, InterleavingResults, Interval
    from recsys.fairness.exposure import ExposureReport


def evaluation_charts(found: EvaluationResult) -> list[Chart]:
    """Of each table all methods with their 95 % intervals; the encoder's training where there was one."""
    charts = [
        Chart(
            f"{table.title}: NDCG@10 with 95 % intervals", "method", "NDCG@10",
            (Series("NDCG@10", [one.name for one in table.methods], [one.ndcg.mean for one in table.methods],
                    [one.ndcg.low for one in table.methods], [one.ndcg.high for one in table.methods]),),
            Kind.BARS,
        )
        for table in found.tables
    ]  # fmt: skip
    return [*charts, *(training_charts(found.learning_curve) if found.learning_curve else [])]


def training_charts(curve: Sequence[Mapping[str, float]]) -> list[Chart]:
    """Validation figures by epoch; epoch 0 is the untrained encoder."""
    epochs = [row["epoch"] for row in curve]
    return [
        Chart(f"Validation by epoch: {label}", "epoch (0: untrained)", label,
              (Series(label, epochs, [row[name] for row in curve]),))
        for name, label in (("ndcg@10", "NDCG@10"), ("auc", "pair AUC"))
    ]  # fmt: skip


def tail_charts(events_by_item: Mapping[str, int], num_items: int) -> list[Chart]:
    """How events fall on items: by rank, and the share of events that the most popular items have."""
    counts = sorted(events_by_item.values(), reverse=True)
    total, ranks = sum(counts) or 1, _places(len(counts))
    names = sorted(events_by_item, key=lambda name: (-events_by_item[name], name))
    sums = [0]
    for count in counts:
        sums.append(sums[-1] + count)
    shares = Series("events", [100 * rank / max(num_items, 1) for rank in [0, *ranks]],
                    [100 * sums[rank] / total for rank in [0, *ranks]])  # fmt: skip
    by_rank = Series("events", ranks, [counts[rank - 1] for rank in ranks],
                     notes=[names[rank - 1] for rank in ranks])  # fmt: skip
    title = f"{len(counts):,} of {num_items:,} items have events"
    return [
        Chart(f"Long tail: {title}", "rank of the item", "events", (by_rank,), log=bool(counts)),
        Chart("Share of events by share of items", "most popular items, % of the catalog", "% of events",
              (shares,), from_zero=True),
    ]  # fmt: skip


def run_charts(runs: Sequence[Mapping[str, Any]]) -> list[Chart]:
    """Decisions of the feedback loop over time, a line for each kind and a colour for each outcome."""
    begun = [run for run in runs if run["started_at"]]
    by_state = {
        state: [run for run in begun if run["state"] == state]
        for state in sorted({r["state"] for r in begun})
    }
    series = tuple(
        Series(
            state,
            [datetime.fromisoformat(run["started_at"]) for run in own],
            [str(run["kind"]) for run in own],
            notes=["; ".join(run["reasons"]) for run in own],
        )
        for state, own in by_state.items()
    )
    return [Chart("Decisions of the feedback loop", "started", "kind", series, Kind.POINTS)]


def experiment_charts(found: ExperimentResults | InterleavingResults) -> list[Chart]:
    """The lift of each arm's primary measure for who looks once and for who looks daily; or lists won."""
    if found.mode == "interleave":
        won = Series("lists won", list(found.arms), list(found.lists_won))  # type: ignore[arg-type,union-attr]
        return [Chart(f"{found.experiment_id}: lists won", "arm", "lists", (won,), Kind.BARS, from_zero=True)]
    compared = [one for one in found.comparisons if one.lift is not None]  # type: ignore[union-attr]
    series = (
        _lifts("one look", compared, [one.lift_interval for one in compared]),
        _lifts("daily looks", compared, [one.sequential_interval for one in compared]),
    )
    title = f"{found.experiment_id}: {found.verdict.words}"
    return [Chart(title, "arm", f"% to {found.control}", series, Kind.BARS)]  # type: ignore[union-attr]


def _lifts(name: str, compared: Sequence[Comparison], intervals: Sequence[Interval | None]) -> Series:
    """Lifts in percent; a side without a bound is not drawn."""
    values = [100 * float(one.lift or 0.0) for one in compared]
    ends = [[value, value] for value in values]
    for place, interval in enumerate(intervals):
        for side, bound in enumerate((interval.low, interval.high) if interval else ()):
            ends[place][side] = values[place] if bound is None else 100 * bound
    lows, highs = [low for low, _ in ends], [high for _, high in ends]
    return Series(name, [one.arm for one in compared], values, lows, highs)


def fairness_charts(found: ExposureReport) -> list[Chart]:
    """What part of its share of the catalog each group gets, by dimension."""
    dimensions = dict.fromkeys(one.dimension for one in found.groups)
    return [
        Chart(
            f"Exposure by {dimension}, of the share in the catalog", dimension, "of its share",
            (Series(dimension, [one.group for one in own], [one.against_catalog for one in own],
                    [one.interval[0] for one in own], [one.interval[1] for one in own]),),
            Kind.BARS, from_zero=True,
        )
        for dimension in dimensions
        for own in [[one for one in found.groups if one.dimension == dimension]]
    ]  # fmt: skip


def _places(most: int, wanted: int = 200) -> list[int]:
    """Ranks 1 to `most`, thinned out evenly by factor: a million points say no more than 200."""
    if most <= wanted:
        return list(range(1, most + 1))
    return sorted({round(most ** (place / (wanted - 1))) for place in range(wanted)})
