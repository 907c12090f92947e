"""What imports refused, over HTTP: the files, and the rows of one."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recsys.errors import NotFoundError, StoreError
from recsys.payloads import QuarantineAnswer, QuarantinedRow, QuarantinedRows, QuarantineFileBody
from recsys.schemas import QUARANTINE, UNREADABLE, conform
from recsys.workspace import Workspace

NAME = re.compile(r"(items|events)-[0-9a-zA-Z]+\.parquet")


class QuarantineDesk:
    """Reads the quarantine's folder; rows of erased people are not in it any more."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.quarantine

    async def files(self, offset: int, limit: int) -> QuarantineAnswer:
        """A page of the files, the newest first."""
        return await asyncio.to_thread(self._files, offset, limit)

    async def rows(self, name: str, offset: int, limit: int) -> QuarantinedRows:
        """A page of one file's rows; raises `NotFoundError`, `StoreError` for one that cannot be read."""
        return await asyncio.to_thread(self._rows, name, offset, limit)

    def _files(self, offset: int, limit: int) -> QuarantineAnswer:
        found = [path for path in self._folder.glob("*.parquet") if NAME.fullmatch(path.name)]
        found.sort(key=lambda path: (-path.stat().st_mtime, path.name))
        shown = [self._file(path) for path in found[offset : offset + limit]]
        return QuarantineAnswer(files=shown, total=len(found))

    def _file(self, path: Path) -> QuarantineFileBody:
        reasons: Counter[str] = Counter()
        try:
            with pq.ParquetFile(path) as opened:
                rows = opened.metadata.num_rows
                for batch in opened.iter_batches(columns=["reason"]):
                    reasons.update(batch.column(0).to_pylist())
        except UNREADABLE as error:
            rows, reasons = 0, Counter({f"the file cannot be read: {error}"[:200]: 1})
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
        kind = path.name.split("-")[0]
        counted = dict(reasons.most_common())
        return QuarantineFileBody(name=path.name, kind=kind, refused_at=changed, rows=rows, reasons=counted)

    def _rows(self, name: str, offset: int, limit: int) -> QuarantinedRows:
        path = self._folder / name
        if not NAME.fullmatch(name) or not path.is_file():
            raise NotFoundError("there is no such file of refused rows", found=name[:200])
        try:
            with pq.ParquetFile(path) as opened:
                total, table = opened.metadata.num_rows, _slice(opened, offset, limit)
        except UNREADABLE as error:
            raise StoreError("refused rows cannot be read", found=str(error)[:200], where=name) from error
        rows = [QuarantinedRow(**row) for row in table.to_pylist()]
        return QuarantinedRows(name=name, total=total, rows=rows)


def _slice(opened: pq.ParquetFile, offset: int, limit: int) -> pa.Table:
    """Rows from `offset`; only the row groups that hold them are read."""
    begin, found = 0, [QUARANTINE.empty_table()]
    for number in range(opened.num_row_groups):
        rows = opened.metadata.row_group(number).num_rows
        first, last = max(offset - begin, 0), min(offset + limit - begin, rows)
        if first < last:
            found.append(conform(opened.read_row_group(number), QUARANTINE).slice(first, last - first))
        begin += rows
    return pa.concat_tables(found)
