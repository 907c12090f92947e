"""What an index version is made of; the file whose presence makes a version exist."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from pydantic import Field

from recsys.blend.settings import FittedBlend
from recsys.config import Config, Metric
from recsys.identifiers import SHARD_HASH

MANIFEST = "manifest.json"
WHITENING = "whitening.npy"
FILES_PER_SHARD = 3


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
    blend: FittedBlend | None = None
    """How signals are made and weighed; None: text alone, by time-decayed profiles."""
    files: tuple[ShardFile, ...]
    """Every file of the version: `items`, `vectors` and `links` of each shard in turn, then `whitening`."""

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
            *((self.blend.model_dump_json(),) if self.blend else ()),
            *(file.sha256 for file in self.files),
        ]
        return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()

    @property
    def is_complete(self) -> bool:
        """Whether every file a version needs is named."""
        return len(self.files) == FILES_PER_SHARD * self.num_shards + 1

    def shard_files(self, shard: int) -> tuple[ShardFile, ShardFile, ShardFile]:
        """The items, vectors and links files of one shard."""
        items, vectors, links = self.files[FILES_PER_SHARD * shard : FILES_PER_SHARD * (shard + 1)]
        return items, vectors, links

    @property
    def whitening_file(self) -> ShardFile:
        """How vectors of texts are turned into the space of the index."""
        return self.files[-1]


def items_path(shard: int, num_shards: int) -> str:
    """Ids and fields of a shard, Arrow IPC."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.items.arrow"


def vectors_path(shard: int, num_shards: int) -> str:
    """Vectors of a shard, `.npy` `[n, D] float32`."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.vectors.npy"


def links_path(shard: int, num_shards: int) -> str:
    """Item-item weights into a shard, Arrow IPC."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.links.arrow"
