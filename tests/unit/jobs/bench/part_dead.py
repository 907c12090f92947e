from __future__ import annotations

from jobs.bench.section import BenchSettings, Section
from tests.unit.jobs.bench.parts import die, section


def run(settings: BenchSettings) -> Section:
    die()
    return section("dead")
