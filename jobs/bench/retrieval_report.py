"""What the retrieval part has to tell: tables, targets, notes and plots."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass

from jobs.bench.measure import Spread
from jobs.bench.peers_retrieval import MAX_GRAPH_ROWS, RECALL
from jobs.bench.report import cell_text
from jobs.bench.retrieval_data import NUM_QUERIES
from jobs.bench.retrieval_filters import NEW, NUMPY, NUMPY_BATCH, OURS, Filtered
from jobs.bench.retrieval_turns import Turns
from jobs.bench.section import Cell, Plot, Table, Target

TIMES_NUMPY = {100_000: 10.0, 1_000_000: 20.0}
"""Rows -> how many times as fast as NumPy one question has to be."""
EXACT, COMPRESSED = "ours, exact", "ours, compressed"


@dataclass(frozen=True)
class AtSize:
    """What was found at one number of rows."""

    num_rows: int
    taken: dict[str, Spread]
    answers: dict[str, Turns]
    filters: list[Filtered]
    in_batch: dict[str, Spread]
    batch_recall: float

    def times_numpy(self, name: str) -> float:
        """How many times as fast as NumPy a contestant answers one question."""
        return self.taken["NumPy"].ratio(self.taken[name])


def tables(size: AtSize) -> tuple[Table, ...]:
    """One question, one under a filter, many together."""
    rows = f"{size.num_rows:,} items"
    return (
        Table(
            f"{rows}: one question",
            ("contestant", "ms", "times as fast as NumPy", "recall@10", "questions", "how"),
            tuple(_row(size, name) for name in size.taken),
        ),
        Table(
            f"{rows}: one question under a filter",
            (
                "rows that pass",
                OURS + ", ms",
                NEW + ", ms",
                "NumPy on these rows, ms",
                "times as fast",
                "recall@10",
            ),
            tuple(_filter_row(one) for one in size.filters),
        ),
        Table(
            f"{rows}: {NUM_QUERIES} questions together",
            ("contestant", "ms a question", "recall@10"),
            (
                (OURS, _ms(size.in_batch[OURS]), _recall(size.batch_recall)),
                (NUMPY, _ms(size.in_batch[NUMPY]), _recall(1.0)),
            ),
        ),
    )


def _row(size: AtSize, name: str) -> tuple[Cell, ...]:
    answers = size.answers[name]
    return (
        name,
        _ms(size.taken[name]),
        size.times_numpy(name),
        _recall(answers.recall),
        len(answers.found),
        answers.peer.how,
    )


def _filter_row(one: Filtered) -> tuple[Cell, ...]:
    return (
        f"{one.num_rows:,} ({100 * one.share:g} %)",
        _ms(one.taken[OURS]),
        _ms(one.taken[NEW]),
        _ms(one.taken[NUMPY]),
        one.taken[NUMPY].ratio(one.taken[OURS]),
        _recall(one.recall),
    )


def targets(size: AtSize) -> list[Target]:
    """Recall at every size, speed where it was promised."""
    rows = f"{size.num_rows:,} items"
    faster = TIMES_NUMPY.get(size.num_rows)
    percent = next(one for one in size.filters if one.share == 0.01)
    found = [Target(f"{rows}, recall@10 of ours, compressed", RECALL, size.answers[COMPRESSED].recall)]
    found += [Target(f"{rows}, least recall@10 under a filter", RECALL, min(f.recall for f in size.filters))]
    found += [Target(f"{rows}, recall@10 in a batch", RECALL, size.batch_recall)]
    if faster is None:
        return found
    ratio = percent.taken[NUMPY].ratio(percent.taken[OURS])
    speed = Target(f"{rows}, ours, compressed, times as fast as NumPy", faster, size.times_numpy(COMPRESSED))
    return [speed, *found, Target(f"{rows}, 1 % pass, times as fast as NumPy on these rows", 1.0, ratio)]


def notes(sizes: list[AtSize]) -> tuple[str, ...]:
    """How it was measured."""
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)
    largest = max(size.num_rows for size in sizes)
    left_out = f" Graphs are not built above {MAX_GRAPH_ROWS:,} items, to keep the part short."
    return (
        "384 dimensions, unit length; questions are drawn like the items and are none of them. One process, "
        "all its threads on one core, each library limited to one thread.",
        f"Contestants with a setting take the cheapest that reaches recall@10 {RECALL} on other "
        f"questions.{left_out if largest > MAX_GRAPH_ROWS else ''}",
        f"Recall of exact contestants is over the questions they were timed on, others' over {NUM_QUERIES}.",
        "A filter's answer is remembered by ours; `never seen` pays for evaluating it. NumPy gets a copy of "
        "the rows that pass beforehand, which is not timed.",
        f"Together NumPy multiplies {NUMPY_BATCH} questions at a time: their scores take 256 MB at a million "
        "items.",
        f"Peak memory of the part, with every contestant in it: {peak_gb:.1f} GB.",
    )


def latency_plot(sizes: list[AtSize]) -> Plot:
    """Milliseconds over the number of items."""
    names = dict.fromkeys(name for size in sizes for name in size.taken)
    lines = {}
    for name in names:
        known = [size for size in sizes if name in size.taken]
        lines[name] = (
            tuple(float(size.num_rows) for size in known),
            tuple(size.taken[name].median for size in known),
        )
    return Plot("retrieval-latency", "One question, one core", "items", "ms", lines)


def recall_plot(size: AtSize) -> Plot:
    """A point for each contestant."""
    lines: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {}
    for name, answers in size.answers.items():
        lines[name] = (size.taken[name].median,), (answers.recall,)
    title = f"Latency and recall, {size.num_rows:,} items"
    return Plot(f"retrieval-recall-{size.num_rows}", title, "ms", "recall@10", lines)


def figures(size: AtSize) -> dict[str, object]:
    """Medians in milliseconds and recalls, by contestant or by share of rows that pass."""
    return {
        "ms": {name: spread.median for name, spread in size.taken.items()},
        "recall": {name: answers.recall for name, answers in size.answers.items()},
        "filtered_ms": {str(one.share): one.taken[OURS].median for one in size.filters},
        "filtered_numpy_ms": {str(one.share): one.taken[NUMPY].median for one in size.filters},
        "filtered_recall": {str(one.share): one.recall for one in size.filters},
        "batch_ms": {name: spread.median for name, spread in size.in_batch.items()},
        "batch_recall": size.batch_recall,
    }


def _ms(taken: Spread) -> str:
    return f"{cell_text(taken.median)} [{cell_text(taken.low)}, {cell_text(taken.high)}]"


def _recall(value: float) -> str:
    return f"{value:.4f}"
