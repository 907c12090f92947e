"""What an index version is made of; the file whose presence makes a version exist."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import blake2b, sha256
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from recsys.config import Config, Metric
from recsys.errors import IndexCorruptError
from recsys.identifiers import SHARD_HASH

MANIFEST = "manifest.json"
VERSION_NAME = re.compile(r"[0-9]{8}T[0-9]{12}-[0-9a-f]{12}")
"""Time of making to the microsecond, then digest of the content; names sort by age."""


class ShardFile(Config):
    """One file of a version."""

    path: str
    """Relative to the version's folder."""
    rows: int = Field(ge=0)
    """Items in it."""
    bytes: int = Field(ge=0)
    """Its size."""
    sha256: str
    """Digest of its content."""


class Signal(Config):
    """One part of the stored vectors."""

    name: str
    """`text`, `behaviour` or `popularity`."""
    width: int = Field(ge=1)
    """Columns it takes."""
    weight: float
    """Its factor in the score."""


class IndexManifest(Config):
    """An immutable index version. Written after its shards; a folder without one does not exist."""

    format: Literal[1] = 1
    """Layout of the files; another number is another release's."""
    index_version: str
    """Time of making and digest of the content."""
    encoder_version: str
    """Digest of weights, tokenizer and pooling behind the text vectors."""
    text_template_version: str
    """Template that made the texts."""
    signals: tuple[Signal, ...]
    """Parts of the stored vectors, in the order of their columns."""
    dim: int = Field(ge=0)
    """Columns of the stored vectors; 0 for an empty catalog."""
    metric: Metric
    """Score between a query and an item."""
    num_shards: int = Field(ge=1)
    """Disjoint parts of the items."""
    shard_hash: str = SHARD_HASH
    """Digest that decides an item's shard."""
    item_count: int = Field(ge=0)
    """Items in all shards."""
    num_texts: int = Field(ge=0)
    """Distinct texts among them."""
    catalog_seq: int = Field(ge=0)
    """Catalog changes up to this number are in the version."""
    created_at: datetime
    """When it was made."""
    parent_version: str | None = None
    """Version that was published when it was made."""
    data_cutoff: datetime | None = None
    """Newest event behind its behaviour signals."""
    metrics: dict[str, float] = {}
    """Figures at the gate."""
    files: tuple[ShardFile, ...]
    """Every file of the version, `items` and `vectors` of each shard in turn."""
    digest: str = ""
    """Digest of all of the above, so that no part of a manifest changes unseen."""

    @model_validator(mode="after")
    def _parts_agree(self) -> Self:
        expected = [p(s, self.num_shards) for s in range(self.num_shards) for p in (items_path, vectors_path)]
        if [file.path for file in self.files] != expected:
            raise ValueError("files are not the two of each shard")
        rows = [file.rows for file in self.files]
        if rows[::2] != rows[1::2] or sum(rows[::2]) != self.item_count:
            raise ValueError("rows of the files do not add up to item_count")
        if sum(signal.width for signal in self.signals) != self.dim:
            raise ValueError("widths of the signals do not add up to dim")
        if self.shard_hash != SHARD_HASH:
            raise ValueError(f"shard_hash is not {SHARD_HASH}")
        return self

    @property
    def content_digest(self) -> str:
        """Digest of what decides answers; equal for two versions that answer alike."""
        parts = [
            self.encoder_version,
            self.text_template_version,
            self.metric.value,
            self.shard_hash,
            str(self.num_shards),
            *(signal.model_dump_json() for signal in self.signals),
            *(file.sha256 for file in self.files),
        ]
        return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()

    def sealed(self) -> IndexManifest:
        """The same manifest with its digest."""
        content = self.model_dump_json(exclude={"digest"}).encode()
        return self.model_copy(update={"digest": sha256(content).hexdigest()})

    def to_bytes(self) -> bytes:
        """Content of its file."""
        return self.model_dump_json(indent=2).encode() + b"\n"

    def shard_files(self, shard: int) -> tuple[ShardFile, ShardFile]:
        """The items file and the vectors file of one shard."""
        items, vectors = self.files[2 * shard : 2 * shard + 2]
        return items, vectors


def manifest_of(content: bytes, index_version: str) -> IndexManifest:
    """The manifest in a file's content.

    Raises `IndexCorruptError` unless it is to the byte what was written for this very version.
    """
    try:
        manifest = IndexManifest.model_validate_json(content)
    except ValidationError as error:
        raise IndexCorruptError(
            "a manifest is not valid", found=str(error)[:300], where=f"{index_version}/{MANIFEST}"
        ) from error
    if manifest.to_bytes() != content or manifest.sealed() != manifest:
        raise IndexCorruptError("a manifest was altered", where=f"{index_version}/{MANIFEST}")
    if manifest.index_version != index_version or not index_version.endswith(manifest.content_digest):
        raise IndexCorruptError(
            "a manifest does not belong to its version",
            expected=index_version,
            found=f"{manifest.index_version} with content {manifest.content_digest}",
        )
    return manifest


def items_path(shard: int, num_shards: int) -> str:
    """Ids and fields of a shard, Arrow IPC."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.items.arrow"


def vectors_path(shard: int, num_shards: int) -> str:
    """Vectors of a shard, `.npy` `[n, D] float32`."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.vectors.npy"
