"""What an index version is made of; the file whose presence makes a version exist."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from pydantic import Field

from recsys.blend.settings import FittedBlend
from recsys.config import Config, Metric, ScanKind, Storage
from recsys.encoder.choice import EncodingRecord
from recsys.identifiers import SHARD_HASH
from recsys.signing import ManifestFile
from recsys.workspace import PLAIN_NAME, Workspace

MANIFEST = "manifest.json"
WHITENING = "whitening.npy"
RELATIONS_FILE = "relations.arrow"
FILES_PER_SHARD = 3


class ShardFile(Config):
    """One file of a version."""

    path: str = Field(pattern=f"^{PLAIN_NAME}$")
    """Name inside the version's folder."""
    rows: int = Field(ge=0)
    """Items in it."""
    bytes: int = Field(ge=0)
    """Its size."""
    sha256: str
    """Digest of its content."""


class ShardScan(Config):
    """How one shard finds its best rows, and what was measured of it when it was built."""

    kind: ScanKind
    """`exact` or `compressed`."""
    recall: float = Field(ge=0, le=1)
    """recall@10 of the compressed scan against the exact one; also where it missed its floor."""
    rerank: int = Field(default=0, ge=0)
    """Candidates scored exactly for ten places; 0 for an exact scan."""
    storage_recall: float = Field(default=1.0, ge=0, le=1)
    """recall@10 of the stored vectors against float32, on a sample of the rows."""
    file: ShardFile | None = None
    """The compressed rows."""


class Signal(Config):
    """One part of the stored vectors."""

    name: str
    """`text`, a channel such as `image`, `behaviour` or `popularity`."""
    width: int = Field(ge=1)
    """Columns it takes; 1 for links, which take none."""
    weight: float
    """Its factor in the score; a channel's share of the item's vector."""


class IndexManifest(Config):
    """An immutable index version. Written after its shards; a folder without one does not exist."""

    index_version: str
    """Time of making and digest of the content."""
    encoder_version: str
    """Digest of weights, tokenizer and pooling behind the text vectors."""
    encoding: EncodingRecord | None = None
    """What was measured when the encoder's backend and precision were chosen, if anything was."""
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
    events_seq: int | None = None
    """Number of the newest event when they were learned; None: nothing was, or a version of before."""
    last_erasure: datetime | None = None
    """Newest erasure of a person that its behaviour signals know of: nothing of anybody erased until then is
    in them. None: nobody had been erased, or nothing was learned."""
    metrics: dict[str, float] = {}
    """Figures at the gate."""
    blend: FittedBlend | None = None
    """How signals are made and weighed; None: text alone, by time-decayed profiles."""
    storage: Storage = Storage.FLOAT32
    """How vectors are stored."""
    scans: tuple[ShardScan, ...] = ()
    """One a shard; empty in versions of before, which are scanned exactly."""
    files: tuple[ShardFile, ...]
    """Every file of the version: `items`, `vectors` and `links` of each shard in turn, then `whitening`."""
    relations: ShardFile | None = None
    """What the shop had stated about its items; None: nothing."""
    seal: str = ""
    """Digest of the manifest's own bytes, with zeros in its place; empty in versions of before."""

    @property
    def content_digest(self) -> str:
        """Digest of what decides answers; equal for two versions that answer alike.

        Parts are taken as they were written: a field that a later release added to one, which stands there
        with its default once it is read, is not in the names of versions from before.
        """
        parts = [
            self.encoder_version,
            self.text_template_version,
            self.metric.value,
            self.shard_hash,
            str(self.num_shards),
            # Codes are learned with threads and differ in bits from run to run; what they stand for does not.
            *((f"{self.storage.value}", *(scan.kind.value for scan in self.scans)) if self.scans else ()),
            *(signal.model_dump_json(exclude_unset=True) for signal in self.signals),
            *((self.blend.model_dump_json(exclude_unset=True),) if self.blend else ()),
            # So that a version's name tells that it has a seal: one that was taken away is missed.
            *(("sealed",) if self.seal else ()),
            # A fit after an erasure is another version, also where the person made no difference.
            *((self.last_erasure.isoformat(),) if self.last_erasure else ()),
            *((self.relations.sha256,) if self.relations else ()),
            *(file.sha256 for file in self.files),
        ]
        return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()

    def spelled_out(self) -> IndexManifest:
        """The same with every field set, as it is written and read back."""
        return IndexManifest.model_validate(self.model_dump())

    @property
    def text_dim(self) -> int:
        """Columns of the text, which come first; channels have the others."""
        channels = self.blend.settings.channels if self.blend else ()
        return max(0, self.dim - sum(channel.width for channel in channels))

    @property
    def is_complete(self) -> bool:
        """Whether every file a version needs is named."""
        return len(self.files) == FILES_PER_SHARD * self.num_shards + 1 and len(self.scans) in (
            0,
            self.num_shards,
        )

    def shard_files(self, shard: int) -> tuple[ShardFile, ShardFile, ShardFile]:
        """The items, vectors and links files of one shard."""
        items, vectors, links = self.files[FILES_PER_SHARD * shard : FILES_PER_SHARD * (shard + 1)]
        return items, vectors, links

    def shard_scan(self, shard: int) -> ShardScan:
        """How one shard is scanned."""
        return self.scans[shard] if self.scans else ShardScan(kind=ScanKind.EXACT, recall=1.0)

    @property
    def whitening_file(self) -> ShardFile:
        """How vectors of texts are turned into the space of the index."""
        return self.files[-1]


def manifest_file(workspace: Workspace, index_version: str) -> ManifestFile:
    """Where a version's manifest lies, with its signature; raises `UnsafePathError`."""
    return ManifestFile(workspace.index_version(index_version) / MANIFEST, "index", index_version)


def items_path(shard: int, num_shards: int) -> str:
    """Ids and fields of a shard, Arrow IPC."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.items.arrow"


def vectors_path(shard: int, num_shards: int) -> str:
    """Vectors of a shard, `.npy`: `[n, D]` float32 or float16, or `[n]` scaled int8 rows."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.vectors.npy"


def codes_path(shard: int, num_shards: int) -> str:
    """Compressed rows of a shard, in FAISS' format."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.codes.faiss"


def links_path(shard: int, num_shards: int) -> str:
    """Item-item weights into a shard, Arrow IPC."""
    return f"shard-{shard:05d}-of-{num_shards:05d}.links.arrow"
