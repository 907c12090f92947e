from __future__ import annotations

from jobs.bench.section import BenchSettings, Section
from tests.unit.jobs.bench.parts import count_runs


def run(settings: BenchSettings) -> Section:
    count_runs(settings, "bad")
    raise ValueError("no | such --> thing")
