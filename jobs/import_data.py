"""`recsys import`: files -> clean batches -> stores, with what was refused set aside."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from recsys.catalog import clean_items
from recsys.config import EventWeights, ImportConfig
from recsys.errors import SchemaError
from recsys.interactions import clean_events
from recsys.reading import Fault, SourceBatch, list_files, read_file
from recsys.schemas import QUARANTINE, Cleaned
from recsys.workspace import Workspace

OnProgress = Callable[[int, int, int], None]
"""Rows read, bytes done, bytes in all."""
Clean = Callable[[SourceBatch, str], Cleaned]
MAX_RAW_CHARS = 2_000
BLOCK_ROWS = 100_000
"""Events of one commit: fewer, larger commits keep the number of fsyncs small."""


@dataclass
class ImportReport:
    """What one import read, kept, mended and refused."""

    files: int = 0
    rows: int = 0
    accepted: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    """By reason; a fault of a whole file counts once."""
    mended: Counter[str] = field(default_factory=Counter)
    """Put right, by kind."""
    stored: dict[str, int] = field(default_factory=dict)
    """What the store says of the accepted rows."""
    quarantine_file: Path | None = None
    seconds: float = 0.0
    max_bad_share: float = 1.0

    @property
    def exit_code(self) -> int:
        """1 when nothing was readable or too much was refused, else 0."""
        bad = sum(self.quarantined.values())
        share = bad / (bad + self.accepted) if bad else 0.0
        return int(share > self.max_bad_share or (bad > 0 and self.accepted == 0))

    def as_rows(self) -> dict[str, Any]:
        """The report as people and machines read it."""
        return {
            "files": self.files,
            "rows": self.rows,
            "accepted": self.accepted,
            **self.stored,
            "mended": dict(sorted(self.mended.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
            "quarantine_file": self.quarantine_file,
            "seconds": self.seconds,
            "rows_per_second": self.rows / self.seconds if self.seconds else None,
        }


def import_items(
    paths: Sequence[Path],
    *,
    item_store: ItemStore,
    workspace: Workspace,
    config: ImportConfig,
    on_progress: OnProgress = lambda rows, done, total: None,
) -> ImportReport:
    """Read items from files and folders; the catalog changes in one step at the end.

    Of rows with one id the latest wins. Raises `UnreadableFileError` for a path that does not exist
    and `SchemaError` when the chosen columns fit no file; both before anything is written.
    """

    def clean(batch: SourceBatch, file: str) -> Cleaned:
        return clean_items(batch.table, config=config, file=file, rows=batch.rows)

    with item_store.staging() as staging, _Import(paths, "items", workspace, config) as work:
        for table in work.batches(clean, on_progress):
            staging.add(table)
        counts = staging.merge()
        work.report.stored = {name: getattr(counts, name) for name in counts.__dataclass_fields__}
    return work.report


def import_events(
    paths: Sequence[Path],
    *,
    event_store: EventStore,
    workspace: Workspace,
    config: ImportConfig,
    on_progress: OnProgress = lambda rows, done, total: None,
    weights: EventWeights | None = None,
) -> ImportReport:
    """Read events from files and folders; events that are stored already count as duplicates."""
    known, now = (weights or EventWeights()).known_types(), datetime.now(UTC)

    def clean(batch: SourceBatch, file: str) -> Cleaned:
        return clean_events(
            batch.table, known_types=known, received_at=now, config=config, file=file, rows=batch.rows
        )

    appended = duplicates = 0
    with _Import(paths, "events", workspace, config) as work:
        for table in blocks(work.batches(clean, on_progress), BLOCK_ROWS):
            counts = event_store.append(table)
            appended, duplicates = appended + counts.appended, duplicates + counts.duplicates
        work.report.stored = {"appended": appended, "duplicates": duplicates}
    return work.report


def blocks(tables: Iterator[pa.Table], num_rows: int) -> Iterator[pa.Table]:
    """Tables joined until they hold at least `num_rows`."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(part.num_rows for part in waiting) >= num_rows:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


class _Import:
    """The files of one import as a stream of clean tables; faults go to the quarantine file."""

    def __init__(self, paths: Sequence[Path], kind: str, workspace: Workspace, config: ImportConfig) -> None:
        self._files = list_files(paths)
        self._config, self._started = config, time.monotonic()
        names = json.dumps([str(path.resolve()) for path in self._files])
        digest = blake2b(names.encode(), digest_size=6).hexdigest()
        self._quarantine = QuarantineFile(workspace.quarantine / f"{kind}-{digest}.parquet")
        self._stack = ExitStack()
        self.report = ImportReport(files=len(self._files), max_bad_share=config.max_bad_share)

    def __enter__(self) -> _Import:
        self._stack.enter_context(self._quarantine)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        self.report.quarantine_file = self._quarantine.path if self._quarantine.rows else None
        self.report.seconds = time.monotonic() - self._started

    def batches(self, clean: Clean, on_progress: OnProgress) -> Iterator[pa.Table]:
        """Clean tables of all files in turn."""
        sizes = [path.stat().st_size for path in self._files]
        for number, path in enumerate(self._files):
            before, name = sum(sizes[:number]), path.name
            for part in read_file(path, self._config):
                if isinstance(part, Fault):
                    self._refuse(_fault_row(name, part))
                    continue
                self.report.rows += part.table.num_rows
                cleaned = self._clean(clean, part, name)
                self._refuse(cleaned.bad)
                self.report.mended.update(cleaned.mended)
                self.report.accepted += cleaned.good.num_rows
                on_progress(self.report.rows, before + part.bytes_done, sum(sizes))
                if cleaned.good.num_rows:
                    yield cleaned.good

    def _clean(self, clean: Clean, batch: SourceBatch, name: str) -> Cleaned:
        try:
            return clean(batch, name)
        except SchemaError as error:
            raise SchemaError(error.what, expected=error.expected, found=error.found, where=name) from error

    def _refuse(self, rows: pa.Table) -> None:
        self.report.quarantined.update(rows.column("reason").to_pylist())
        self._quarantine.write(rows)


class QuarantineFile:
    """Refused rows of one import, streamed; replaced as a whole, absent when there are none."""

    def __init__(self, path: Path) -> None:
        self.path, self.rows = path, 0
        self._begun = path.with_name(f".{path.name}.begun")
        self._writer: pq.ParquetWriter | None = None

    def __enter__(self) -> QuarantineFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()
        if kind is not None or self._writer is None:
            self._begun.unlink(missing_ok=True)
        if kind is None and self._writer is None:
            self.path.unlink(missing_ok=True)
        elif kind is None:
            self._begun.replace(self.path)

    def write(self, rows: pa.Table) -> None:
        """Add rows (`QUARANTINE`)."""
        if rows.num_rows == 0:
            return
        if self._writer is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._begun, QUARANTINE)
        self._writer.write_table(rows)
        self.rows += rows.num_rows


def _fault_row(file: str, fault: Fault) -> pa.Table:
    raw = fault.raw[:MAX_RAW_CHARS] if fault.raw is not None else None
    row = {"file": file, "row": fault.row, "reason": fault.reason, "detail": fault.detail, "raw": raw}
    return pa.Table.from_pylist([row], schema=QUARANTINE)
