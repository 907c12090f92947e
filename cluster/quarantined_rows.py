"""Refused rows of events: which of them are about a person."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from recsys.columns import CellRefusedError, id_text, map_columns
from recsys.interactions import ALIASES
from recsys.schemas import QUARANTINE
from recsys.tombstones import NamedPeople, People, is_name_of_one, mentions_one, names_one
from recsys.workspace import sync_folder

ABANDONED_S = 3_600.0
"""An import that wrote nothing for so long was killed; what it had begun is no file that can be read."""
WITHHELD = "the row names somebody who was erased"


def is_about(people: People, raw: str | None, detail: str = "") -> bool:
    """Whether a refused row names one of the people.

    In a whole row these are its columns of users and visitors, in one whose columns have other names any of
    its values; of what is no row every word counts, so that rather too much is found than too little.
    """
    row = _row(raw)
    if row is None:
        return mentions_one(people, f"{raw or ''} {detail}")
    columns = map_columns(list(row), ALIASES, {})
    if columns.keys() & {"user_id", "visitor_id"}:
        ids = (_id(row.get(columns.get(name, ""))) for name in ("user_id", "visitor_id"))
        return names_one(people, *ids)
    return any(is_name_of_one(people, found) for value in row.values() if (found := _id(value)))


def withhold(rows: pa.Table, people: People) -> pa.Table:
    """Refused rows (`QUARANTINE`) with neither content nor detail where they are about the people."""
    if not people or rows.num_rows == 0:
        return rows
    kept = [
        {**row, "raw": None, "detail": WITHHELD} if is_about(people, row["raw"], row["detail"]) else row
        for row in rows.to_pylist()
    ]
    return pa.Table.from_pylist(kept, schema=QUARANTINE)


def rows_about(folder: Path, people: NamedPeople) -> list[dict[str, Any]]:
    """Refused rows of these people, in the order of the files; the place of a file is left out."""
    return [
        {name: row[name] for name in ("row", "reason", "detail", "raw")}
        for file in event_files(folder)
        for group in _groups(file)
        for row in group.to_pylist()
        if is_about(people, row["raw"], row["detail"])
    ]


def remove_rows(folder: Path, people: People) -> int:
    """Take the rows of these people out of all files of refused events; how many."""
    for begun in folder.glob(".events-*.begun"):
        if time.time() - begun.stat().st_mtime > ABANDONED_S:
            begun.unlink(missing_ok=True)
    return sum(_remove(file, people) for file in event_files(folder))


def event_files(folder: Path) -> list[Path]:
    """Files of refused events, by name."""
    return sorted(folder.glob("events-*.parquet"))


def _remove(file: Path, people: People) -> int:
    kept: list[pa.Table] = []
    removed = 0
    for group in _groups(file):
        mask = [not is_about(people, row["raw"], row["detail"]) for row in group.to_pylist()]
        removed += len(mask) - sum(mask)
        kept.append(group.filter(pa.array(mask, pa.bool_())))
    if removed:
        _replace(file, pa.concat_tables(kept))
    return removed


def _replace(file: Path, rows: pa.Table) -> None:
    if rows.num_rows == 0:
        file.unlink()
    else:
        written = file.with_name(f".{file.name}.kept")
        with written.open("wb") as target:
            pq.write_table(rows, target)
            target.flush()
            os.fsync(target.fileno())
        written.replace(file)
    sync_folder(file.parent)


def _groups(file: Path) -> Iterator[pa.Table]:
    try:
        with pq.ParquetFile(file) as opened:
            for number in range(opened.num_row_groups):
                yield opened.read_row_group(number)
    except FileNotFoundError:  # a repeated import has just replaced it
        return


def _row(raw: str | None) -> dict[str, Any] | None:
    try:
        found = json.loads(raw or "")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _id(value: Any) -> str | None:
    try:
        return id_text(value) or None
    except CellRefusedError:
        return None
