"""Parts of a benchmark as the tests need them; each is found by its own module name below."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jobs.bench.section import BenchSettings, Plot, Section, Table, Target


def section(name: str, figure: float = 1.5) -> Section:
    """A small section whose only figure can be chosen."""
    return Section(
        name=name,
        title=name.title(),
        tables=(Table("Speed", ("who", "items/s"), (("a|b", figure), ("c", 1_234_567))),),
        targets=(Target("fast", 1.0, figure),),
        notes=("one note",),
        plots=(Plot(f"{name}-plot", "Speed", "n", "ms", {"a": ((1.0, 100.0), (figure, 20.0))}),),
        figures={"speed": {1: figure}},
    )


def count_runs(settings: BenchSettings, name: str) -> int:
    """How often a part has run in this folder, this time included."""
    file = Path(settings.folder) / f"{name}.runs"
    runs = int(file.read_text()) + 1 if file.exists() else 1
    file.write_text(str(runs))
    return runs


def hang() -> None:
    """Never come back."""
    time.sleep(600)


def die() -> None:
    """End without a word, as the kernel's memory killer would have it."""
    os._exit(9)
