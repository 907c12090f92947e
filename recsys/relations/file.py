"""The file that relations lie in, in a workspace and in an index version."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from recsys.errors import UnreadableFileError
from recsys.schemas import RELATIONS, UNREADABLE, conform
from recsys.workspace import replace_file


def relations_bytes(table: pa.Table) -> bytes:
    """`RELATIONS` rows as an Arrow IPC file: the same statements give the same bytes, in whatever order."""
    order = [(name, "ascending") for name in RELATIONS.names]
    stored = conform(table, RELATIONS).sort_by(order).combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, RELATIONS) as writer:
        writer.write_table(stored)
    return bytes(sink.getvalue())


def write_relations(path: Path, table: pa.Table) -> bool:
    """Put a table in the place of the one before, in one step; whether anything is different."""
    content = relations_bytes(table)
    if path.is_file() and path.read_bytes() == content:
        return False
    replace_file(path, content)
    return True


def read_relations(path: Path) -> pa.Table:
    """The rows of a file, none where there is no file; raises `UnreadableFileError`."""
    if not path.is_file():
        return RELATIONS.empty_table()
    try:
        with pa.OSFile(str(path)) as file:
            return conform(pa.ipc.open_file(file).read_all(), RELATIONS)
    except UNREADABLE as error:
        raise UnreadableFileError(
            "relations cannot be read", expected="a run of `recsys import relations`", found=str(error)[:200]
        ) from error
