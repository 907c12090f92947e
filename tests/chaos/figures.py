"""What a load saw: success, time below full coverage, latencies before, during and after."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.chaos.load import Answer

SETTLED_S = 1.0


def read_answers(path: Path) -> list[Answer]:
    """Answers in the order in which they were due; a last line that was cut off is left out."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [Answer(**json.loads(line)) for line in lines if line.endswith("}")]
    return sorted(found, key=lambda answer: answer.at_s)


def between(answers: Sequence[Answer], start: float, end: float) -> list[Answer]:
    """Those that were due in a span."""
    return [answer for answer in answers if start <= answer.at_s < end]


def not_200(answers: Sequence[Answer]) -> int:
    """Requests without a 200."""
    return sum(answer.status != 200 for answer in answers)


def statuses(answers: Sequence[Answer]) -> str:
    """Counts by status."""
    counts = Counter(str(answer.status) if answer.status else answer.why for answer in answers)
    return ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))


def partial(answers: Sequence[Answer]) -> list[Answer]:
    """Answers that did not search everything."""
    return [answer for answer in answers if answer.status == 200 and answer.ratio < 1.0]


def reasons(answers: Sequence[Answer]) -> str:
    """Counts by reason."""
    counts = Counter(reason for answer in answers for reason in answer.degraded)
    return ", ".join(f"{reason}: {count}" for reason, count in sorted(counts.items())) or "none"


def percentile_ms(answers: Sequence[Answer], percent: float) -> float:
    """Latency that so many percent stay below; 0 without answers."""
    return (
        round(float(np.percentile([answer.latency_ms for answer in answers], percent)), 1) if answers else 0.0
    )


def degraded_s(answers: Sequence[Answer]) -> float:
    """From the first answer below full coverage to the last one."""
    below = partial(answers)
    return round(below[-1].at_s - below[0].at_s, 2) if below else 0.0


def recovery_s(answers: Sequence[Answer], struck_at: float) -> float:
    """From the fault to the last answer that shows it; 0 when none does."""
    shown = [one.at_s for one in answers if one.at_s >= struck_at and (one.status != 200 or one.ratio < 1.0)]
    return round(shown[-1] - struck_at, 2) if shown else 0.0


def faults_p99(answers: Sequence[Answer], faults: Sequence[tuple[float, float]]) -> dict[str, float]:
    """p99 before the first of several faults, within all of them, and outside of them after the first.

    What was under way at a fault belongs to the fault.
    """
    spans: dict[str, list[Answer]] = {"before": [], "during": [], "after": []}
    for answer in answers:
        ends = answer.at_s + answer.latency_ms / 1_000
        within = any(struck <= ends and answer.at_s < whole for struck, whole in faults)
        name = "during" if within else "before" if ends < faults[0][0] else "after"
        spans[name].append(answer)
    return _p99s(spans)


def three_p99(answers: Sequence[Answer], struck_at: float, whole_at: float) -> dict[str, float]:
    """p99 before the fault, from it until everything was whole again, and after that."""
    spans = {
        "before": between(answers, 0.0, struck_at),
        "during": between(answers, struck_at, whole_at),
        "after": between(answers, whole_at + SETTLED_S, float("inf")),
    }
    return _p99s(spans)


def _p99s(spans: Mapping[str, Sequence[Answer]]) -> dict[str, float]:
    return {f"p99_{name}_ms": percentile_ms(span, 99) for name, span in spans.items()}
