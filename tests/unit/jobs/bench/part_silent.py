from __future__ import annotations

import subprocess

from jobs.bench.section import BenchSettings, Section
from tests.unit.jobs.bench.parts import hang, section


def run(settings: BenchSettings) -> Section:
    left_behind = subprocess.Popen(["sleep", "600"])
    (settings.folder / "left.pid").write_text(str(left_behind.pid))
    hang()
    return section("silent")
