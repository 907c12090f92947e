from __future__ import annotations

from jobs.bench.section import BenchSettings, Section
from tests.unit.jobs.bench.parts import count_runs, section


def run(settings: BenchSettings) -> Section:
    settings.say("working")
    print("what a library prints")
    return section("good", float(count_runs(settings, "good")))
