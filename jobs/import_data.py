"""`recsys import`: files -> clean batches -> stores, with what was refused set aside."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from types import TracebackType

import pyarrow as pa

from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.late_events import without_undated
from cluster.quarantined_rows import remove_rows, withhold
from jobs.import_report import ImportReport
from jobs.quarantine_file import QuarantineFile, fault_row
from recsys import catalog, interactions
from recsys.channels.spoken import with_subtitles
from recsys.config import EventWeights, ImportConfig
from recsys.formats import Recognised, Wanted, require_format, shaped
from recsys.privacy.names import PLAIN, Names
from recsys.reading import Fault, SourceBatch, links_outside, list_files, read_file
from recsys.relations import cleaning as relations
from recsys.relations.cleaning import RelationsCleaner
from recsys.relations.file import write_relations
from recsys.relations.known import KnownThings
from recsys.schemas import RELATIONS, Cleaned
from recsys.workspace import Workspace

__all__ = ["ImportReport", "OnProgress", "import_events", "import_items", "import_relations"]

OnProgress = Callable[[int, int, int], None]
"""Rows read, bytes done, bytes in all."""
BLOCK_ROWS = 100_000
"""Events of one commit: fewer, larger commits keep the number of fsyncs small."""


@dataclass(frozen=True)
class Cleaner:
    """How rows of one kind are judged."""

    kind: Wanted
    lacking: Callable[[Sequence[str]], str | None]
    """Why files with these columns hold no such rows, or None."""
    clean: Callable[[SourceBatch, str], Cleaned]
    """A batch and the name of its file -> clean rows and refused ones."""
    withhold: Callable[[pa.Table], pa.Table] = lambda rows: rows
    """Refused rows -> the same with nothing of erased people in them."""


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
    and `SchemaError` when `config.columns` names a field that does not exist; the catalog is then
    as it was.
    """

    def clean(batch: SourceBatch, file: str) -> Cleaned:
        cleaned = catalog.clean_items(batch.table, config=config, file=file, rows=batch.rows)
        if config.subtitles is None:
            return cleaned
        return with_subtitles(cleaned, config.subtitles, config.max_description_chars)

    cleaner = Cleaner("items", lambda found: catalog.lacking_columns(found, config), clean)
    with _Import(paths, cleaner, workspace, config) as work, item_store.staging() as staging:
        for table in work.batches(on_progress):
            staging.add(table)
        work.report.stored = asdict(staging.merge())
    return work.report


def import_events(
    paths: Sequence[Path],
    *,
    event_store: EventStore,
    workspace: Workspace,
    config: ImportConfig,
    on_progress: OnProgress = lambda rows, done, total: None,
    weights: EventWeights | None = None,
    names: Names = PLAIN,
) -> ImportReport:
    """Read events from files and folders; events that are stored already count as duplicates.

    An import that is killed keeps the blocks it had appended; run again, it appends the rest. Raises
    `UnreadableFileError` and `SchemaError` as `import_items`, before anything is appended.
    """
    known, now = (weights or EventWeights()).known_types(), datetime.now(UTC)

    def clean(batch: SourceBatch, file: str) -> Cleaned:
        return interactions.clean_events(
            batch.table,
            known_types=known,
            received_at=now,
            config=config,
            file=file,
            rows=batch.rows,
            repeatable=True,
            names=names,
        )

    cleaner = Cleaner("events", lambda found: interactions.lacking_columns(found, config), clean)
    stored, gone = {"appended": 0, "duplicates": 0, "erased": 0}, event_store.erased()
    cleaner = replace(cleaner, withhold=lambda rows: withhold(names.without_content(rows), gone))
    with _Import(paths, cleaner, workspace, config) as work:
        for table in blocks(work.batches(on_progress), BLOCK_ROWS):
            dated = without_undated(table, event_store.erased())
            stored["erased"] += table.num_rows - dated.num_rows
            for name, count in asdict(event_store.append(dated)).items():
                stored[name] += count
        work.report.stored = stored
    if (now_gone := event_store.erased()) != gone:  # somebody was erased meanwhile
        remove_rows(workspace.quarantine, now_gone)
    return work.report


def import_relations(
    paths: Sequence[Path],
    *,
    item_store: ItemStore,
    workspace: Workspace,
    config: ImportConfig,
    on_progress: OnProgress = lambda rows, done, total: None,
) -> ImportReport:
    """Read what the shop states about its items and categories; the files are the whole of it.

    What an earlier import stated and these files do not is gone; where they state nothing that can be
    kept, what there was stays. Raises `UnreadableFileError` and `SchemaError` as `import_items`.
    """
    known = KnownThings()
    for items in item_store.scan():
        known.see(items.select(["item_id", "category", "brand", "attributes"]).to_pylist())
    judge = RelationsCleaner(known, config)
    cleaner = Cleaner(
        "relations",
        lambda found: relations.lacking_columns(found, config),
        lambda batch, file: judge.clean(batch.table, file, batch.rows),
    )
    with _Import(paths, cleaner, workspace, config) as work:
        tables = list(work.batches(on_progress))
        stated = pa.concat_tables([RELATIONS.empty_table(), *tables])
        changed = bool(stated.num_rows) and write_relations(workspace.relations, stated)
        counts = Counter(stated.column("relation").to_pylist())
        work.report.stored = {**dict(sorted(counts.items())), "changed": int(changed)}
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

    def __init__(
        self, paths: Sequence[Path], cleaner: Cleaner, workspace: Workspace, config: ImportConfig
    ) -> None:
        require_format(config.source_format, cleaner.kind)
        cleaner.lacking([])  # a mapping that is wrong for every file is refused before any is read
        self._files, self._cleaner, self._config = list_files(paths), cleaner, config
        self._links = links_outside(paths)
        self._started = time.monotonic()
        names = json.dumps([str(path.resolve()) for path in self._files])
        digest = blake2b(names.encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
        self._quarantine = QuarantineFile(workspace.quarantine / f"{cleaner.kind}-{digest}.parquet")
        self.report = ImportReport(files=len(self._files), max_bad_share=config.max_bad_share)
        self._seen = Recognised(self.report.formats, self.report.skipped)

    def __enter__(self) -> _Import:
        self._quarantine.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quarantine.__exit__(kind, error, trace)
        self.report.quarantine_file = self._quarantine.path if self._quarantine.rows else None
        self.report.seconds = time.monotonic() - self._started

    def batches(self, on_progress: OnProgress) -> Iterator[pa.Table]:
        """Clean tables of all files in turn."""
        for link in self._links:
            self._refuse(fault_row(str(link), Fault("link_outside", "a link that leads out of the folder")))
        sizes = [path.stat().st_size for path in self._files]
        for number, path in enumerate(self._files):
            before = sum(sizes[:number])
            with closing(self._parts(path)) as parts:
                for batch in parts:
                    yield self._clean(batch, path)
                    on_progress(self.report.rows, before + batch.bytes_done, sum(sizes))
            on_progress(self.report.rows, before + sizes[number], sum(sizes))

    def _parts(self, path: Path) -> Generator[SourceBatch, None, None]:
        """Readable batches of one file; the rest of it is refused."""
        with closing(read_file(path, self._config)) as reading:
            for part in shaped(reading, self._cleaner.kind, self._config, self._seen):
                if isinstance(part, Fault):
                    self.report.rows += part.row is not None
                    self._refuse(fault_row(str(path), part))
                    continue
                lacking = self._cleaner.lacking(part.table.column_names) if part.has_header else None
                if lacking is not None:
                    self._refuse(fault_row(str(path), Fault("missing_columns", lacking)))
                    return
                yield part

    def _clean(self, batch: SourceBatch, path: Path) -> pa.Table:
        cleaned = self._cleaner.clean(batch, str(path))
        self.report.rows += batch.table.num_rows
        self.report.accepted += cleaned.good.num_rows
        self.report.mended.update(cleaned.mended)
        self._refuse(cleaned.bad)
        return cleaned.good

    def _refuse(self, rows: pa.Table) -> None:
        kept = self._cleaner.withhold(rows)
        self.report.refuse(kept)
        self._quarantine.add(kept)
