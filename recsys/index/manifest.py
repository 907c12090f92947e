"""What an index version is made of; the file whose presence makes a version exist."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from pydantic import Field

from recsys.config import Config, Metric
from recsys.identifiers import SHARD_HASH

MANIFEST = "manifest.json"


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

    def shard_files(self, shard: int) -> tuple[ShardFile, ShardFile]:
        """The items file and the vectors file of one shard."""
        items, vectors = self.files[2 * shard : 2 * shard + 2]
        return items, vectors


def items_path(shard: int, num_shards: int) -> str:
    """Ids and fields of a shard, Arrow IPC."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.items.arrow"


def vectors_path(shard: int, num_shards: int) -> str:
    """Vectors of a shard, `.npy` `[n, D] float32`."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.vectors.npy"
