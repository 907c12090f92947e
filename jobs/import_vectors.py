"""`recsys import vectors`: a table of the shop's own vectors becomes a channel."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cluster.embedding.folder_lock import sole_writer
from cluster.item_store import ItemStore
from jobs.quarantine_file import QuarantineFile
from recsys.channels.own_vectors import OwnVectors, read_own_vectors
from recsys.channels.store import CONTENT_OF_ITEM, RECORD, ChannelRecord, read_record, write_channel
from recsys.config import CHANNEL_NAME
from recsys.errors import ConflictError, InputError
from recsys.workspace import Workspace, replace_file


@dataclass(frozen=True)
class VectorsReport:
    """What an import of vectors read and refused."""

    name: str
    version: str
    dim: int
    rows: int
    items: int
    """Items that have a vector of this channel now."""
    quarantined: dict[str, int]
    quarantine_file: Path | None
    seconds: float
    max_bad_share: float

    @property
    def exit_code(self) -> int:
        """1 when nothing was good or too much was refused, else 0."""
        bad = sum(self.quarantined.values())
        return int(not self.items or bad > self.max_bad_share * max(self.rows, 1))

    def as_rows(self) -> dict[str, Any]:
        """The report as people and machines read it."""
        fields = {name: value for name, value in vars(self).items() if name != "max_bad_share"}
        return fields | {"seconds": round(self.seconds, 2)}


def parse_named_file(text: str) -> tuple[str, Path]:
    """`NAME=FILE` as its parts; raises `InputError`."""
    name, _, file = text.partition("=")
    if not re.fullmatch(CHANNEL_NAME, name) or not file or name == "text":
        raise InputError(
            "a file of vectors needs a name", expected="NAME=FILE, such as sound=vectors.parquet", found=text
        )
    return name, Path(file)


def import_vectors(
    workspace: Workspace, items: ItemStore, name: str, file: Path, max_bad_share: float = 1.0
) -> VectorsReport:
    """Put a file's good rows in the place of the channel's vectors; without a good row nothing changes.

    Raises `UnreadableFileError`, `InputError`, and `ConflictError` where the name belongs to a channel
    that is made from pictures or films.
    """
    started = time.monotonic()
    folder = workspace.channel(name)
    if (folder / RECORD).exists() and read_record(folder / RECORD).kind != "own":
        raise ConflictError("this channel is made from the shop's files", expected="another name", found=name)

    def known(item_ids: list[str]) -> set[str]:
        return set(items.get(item_ids).column("item_id").to_pylist()) if item_ids else set()

    found = read_own_vectors(file, known)
    record = ChannelRecord(name=name, version=f"own-{found.dim}", dim=found.dim, kind="own")
    if found.hashes:
        with sole_writer(folder / record.version):
            _write(workspace, record, found)
    with QuarantineFile(workspace.quarantine / f"vectors-{name}.parquet") as quarantine:
        quarantine.add(found.quarantine(file))
    return VectorsReport(
        name=name,
        version=record.version,
        dim=found.dim,
        rows=found.rows,
        items=len(found.hashes),
        quarantined=found.quarantined,
        quarantine_file=quarantine.path if quarantine.rows else None,
        seconds=time.monotonic() - started,
        max_bad_share=max_bad_share,
    )


def _write(workspace: Workspace, record: ChannelRecord, found: OwnVectors) -> None:
    """The unit first, then whose it is, then away with units of before."""
    sink, folder = pa.BufferOutputStream(), workspace.channel(record.name) / record.version
    pq.write_table(
        found.unit(record.version), sink, compression="none", use_dictionary=["encoder_version"],
        write_page_checksum=True,
    )  # fmt: skip
    content = "".join(sorted(found.vectors)).encode()
    unit = folder / f"unit-{blake2b(content, digest_size=8).hexdigest()}.parquet"
    replace_file(unit, bytes(sink.getvalue()))
    ids = sorted(found.hashes)
    columns = [pa.array(ids), pa.array([found.hashes[item_id] for item_id in ids])]
    write_channel(workspace, record, pa.table(columns, schema=CONTENT_OF_ITEM))
    for other in folder.glob("unit-*.parquet"):
        if other != unit:
            other.unlink()
