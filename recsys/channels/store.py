"""The channels of a workspace: vectors by digest of content, and which item has which content.

channels/<name>/channel.json           what made the vectors
channels/<name>/items.parquet          item_id, content_hash
channels/<name>/<version>/*.parquet    finished units, as those of texts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, ValidationError

from recsys.blend.whitening import Whitening
from recsys.channels.fusion import ChannelBlock, Turn
from recsys.config import CHANNEL_NAME, ChannelConfig, Config
from recsys.embeddings import EmbeddingTable, find_sorted, hash_array, read_embeddings
from recsys.embeddings.memory import read_checked, write_checked
from recsys.embeddings.units import HASH_DTYPE
from recsys.errors import UnreadableFileError
from recsys.workspace import PLAIN_NAME, Workspace, replace_file

RECORD, ITEMS_FILE = "channel.json", "items.parquet"
CONTENT_OF_ITEM = pa.schema([pa.field("item_id", pa.string()), pa.field("content_hash", pa.string())])


class ChannelRecord(Config):
    """What made a channel's vectors."""

    name: str = Field(pattern=CHANNEL_NAME)
    version: str = Field(pattern=f"^{PLAIN_NAME}$")
    """Digest of the network and of how pictures are taken; `own-WIDTH` for the shop's own vectors."""
    dim: int = Field(ge=1)
    kind: Literal["image", "video", "own"]
    config: ChannelConfig | None = None
    """How it was made last; None for the shop's own vectors."""


@dataclass(frozen=True, eq=False)
class ChannelTable:
    """One channel in memory."""

    record: ChannelRecord
    item_ids: np.ndarray
    """`[M] str` ascending: items with a content."""
    hashes: np.ndarray
    """`[M] S32`: the content of each."""
    embeddings: EmbeddingTable
    whitening: Whitening | None = None
    """How its vectors are turned; None leaves them as they are."""

    @classmethod
    def empty(cls, name: str, version: str, dim: int) -> ChannelTable:
        """A channel that has nothing to say of any item."""
        record = ChannelRecord(name=name, version=version, dim=dim, kind="own")
        none = np.empty(0, dtype=HASH_DTYPE)
        table = EmbeddingTable(dim, none, np.empty(0, np.int64), np.empty((0, dim), np.float32), ())
        return cls(record, np.empty(0, dtype=str), none, table)

    def turned(self, turn: Turn) -> ChannelTable:
        """The same channel with the mean of its items' vectors taken off where `turn` says so."""
        block = self.block(self.item_ids.tolist())
        own = block.vectors[block.present]
        return self if turn == "raw" or not len(own) else replace(self, whitening=Whitening.fit(own, turn))

    def block(self, item_ids: Sequence[str]) -> ChannelBlock:
        """`[N, W]` in the order of `item_ids`; zero rows for items without a vector."""
        wanted = np.array(item_ids, dtype=str)
        vectors = np.zeros((len(wanted), self.record.dim), np.float32)
        if len(self.item_ids) and len(self.embeddings):
            places, known = find_sorted(self.item_ids, wanted)
            rows, embedded = find_sorted(self.embeddings.hashes, self.hashes[places])
            found = known & embedded
            own = self.embeddings.vectors[self.embeddings.rows[rows[found]]]
            vectors[found] = own if self.whitening is None else self.whitening.apply(own)
        return ChannelBlock(self.record.name, self.record.version, vectors)


def read_channels(workspace: Workspace) -> list[ChannelTable]:
    """Every channel of a workspace by name. Raises `UnreadableFileError` for one that is damaged."""
    return [_read(workspace, record) for record in channel_records(workspace)]


def channel_records(workspace: Workspace) -> list[ChannelRecord]:
    """What is on record of every channel, by name; no vector is read. Raises `UnreadableFileError`."""
    return [read_record(file) for file in sorted(workspace.channels.glob(f"*/{RECORD}"))]


def read_record(file: Path) -> ChannelRecord:
    """One channel's record; raises `UnreadableFileError`."""
    try:
        record = ChannelRecord.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise UnreadableFileError(
            "a channel's record cannot be read", found=str(error)[:200], where=str(file)
        ) from error
    if record.name != file.parent.name:
        raise UnreadableFileError(
            "a channel's record names another channel", expected=file.parent.name, found=record.name
        )
    return record


def write_channel(workspace: Workspace, record: ChannelRecord, contents: pa.Table) -> None:
    """Put whose content is what (`CONTENT_OF_ITEM`) beside vectors that are there, then the record."""
    folder = workspace.channel(record.name)
    write_checked(contents.sort_by("item_id").cast(CONTENT_OF_ITEM), folder / ITEMS_FILE)
    replace_file(folder / RECORD, record.model_dump_json(indent=2).encode())


def _read(workspace: Workspace, record: ChannelRecord) -> ChannelTable:
    folder = workspace.channel(record.name)
    contents = read_checked(folder / ITEMS_FILE, CONTENT_OF_ITEM)
    if contents is None:
        raise UnreadableFileError(
            "a channel's items cannot be read", expected="a run of `recsys channel embed`", where=record.name
        )
    ids = np.array(contents.column("item_id").to_pylist(), dtype=str)
    order = np.argsort(ids, kind="stable")
    hashes = hash_array(contents.column("content_hash").to_pylist())
    return ChannelTable(
        record, ids[order], hashes[order], read_embeddings(folder / record.version, dim=record.dim)
    )
