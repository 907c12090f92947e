"""Runs the parts one after the other and keeps what each has found."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from jobs.bench.machine import machine
from jobs.bench.part import run_part
from jobs.bench.record import Record, read_record, write_record
from jobs.bench.report import write_page
from jobs.bench.section import BenchSettings, Section, Table
from recsys.errors import ConfigError

PARTS: Mapping[str, str] = {
    name: f"jobs.bench.{name}"
    for name in ("embedding", "reembedding", "retrieval", "http", "events", "growth")
}
"""Part -> module, in the order they run: growth takes the figures of those before it."""
EXTRA = ("bm25s", "lancedb", "matplotlib", "openvino", "sentence_transformers", "usearch")
"""Modules of the extra `bench`."""


@dataclass(frozen=True)
class Bench:
    """What is run, and where its outcome goes."""

    parts: Sequence[str]
    """Names of `modules`; all of them when empty."""
    settings: BenchSettings
    page: Path | None = None
    """Markdown page to write into; none when absent."""
    resume: bool = False
    """Take what an earlier run in the same folder found, where it was measured alike."""
    modules: Mapping[str, str] | None = None
    """Part -> module with `run(BenchSettings) -> Section`; `PARTS` when absent."""

    def run(self) -> list[Record]:
        """One record a part, in their order; a part that fails does not keep the others from running.

        After each part its record is in `FOLDER/PART.json` and the page is written. Raises
        `ConfigError` for an unknown part and when the extra `bench` is not installed.
        """
        modules = self._chosen()
        require_extra()
        found, here = [], machine()
        for place, (name, module) in enumerate(modules.items(), 1):
            say = _prefixed(self.settings.say, f"{name} ({place} of {len(modules)})")
            found.append(self._record(name, module, here, say))
            if self.page:
                write_page(self.page, here, found)
        return found

    def _chosen(self) -> dict[str, str]:
        known = self.modules or PARTS
        if unknown := [name for name in self.parts if name not in known]:
            raise ConfigError("no such part of the benchmark", expected=", ".join(known), found=unknown[0])
        return {name: module for name, module in known.items() if not self.parts or name in self.parts}

    def _record(self, name: str, module: str, here: Table, say: Callable[[str], None]) -> Record:
        file, settings = self.settings.folder / f"{name}.json", self.settings
        kept = read_record(file) if self.resume else None
        if kept and kept.answers(settings.quick, settings.rounds, here):
            say(f"kept from {kept.date}")
            return kept
        say("starts")
        start = time.monotonic()
        outcome = run_part(name, module, replace(settings, say=say))
        record = self._outcome(name, outcome, time.monotonic() - start, here)
        say(f"failed: {record.failure}" if record.failure else f"done in {record.wall_s:,.0f} s")
        write_record(record, file)
        return record

    def _outcome(self, name: str, outcome: Section | str, wall_s: float, here: Table) -> Record:
        quick, rounds = self.settings.quick, self.settings.rounds
        return Record(
            name=name,
            section=outcome if isinstance(outcome, Section) else None,
            failure=outcome if isinstance(outcome, str) else "",
            command=f"recsys bench {name}{' --quick' if quick else ''} --rounds {rounds}",
            date=datetime.now(UTC).date().isoformat(),
            wall_s=round(wall_s, 1),
            quick=quick,
            rounds=rounds,
            machine=here,
        )


def require_extra() -> None:
    """Raise `ConfigError` when a module of the extra `bench` is not installed."""
    if absent := [name for name in EXTRA if find_spec(name) is None]:
        raise ConfigError(
            "the benchmark's libraries are not installed",
            expected="the extra bench: pip install 'recsys-on-ray[bench]'",
            found=f"no {', '.join(absent)}",
        )


def _prefixed(say: Callable[[str], None], prefix: str) -> Callable[[str], None]:
    return lambda text: say(f"{prefix}: {text}")
