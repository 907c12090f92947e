"""Writes an index version as a stream: batch after batch into its shards, manifest at the very end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from recsys.blend.links import ModelLinks
from recsys.blend.settings import FittedBlend
from recsys.blend.whitening import Whitening
from recsys.config import IndexConfig
from recsys.encoder.choice import EncodingRecord
from recsys.errors import (
    IndexCorruptError,
    IndexMissingError,
    IndexVersionError,
    InputError,
    SignatureError,
    UnsafePathError,
)
from recsys.identifiers import shard_of
from recsys.index.begun_folder import BegunFolder
from recsys.index.manifest import (
    RELATIONS_FILE,
    WHITENING,
    IndexManifest,
    ShardFile,
    ShardScan,
    Signal,
    manifest_file,
)
from recsys.index.seal import UNSEALED, sealed
from recsys.index.shard_writer import STORED, ShardWriter, described
from recsys.index.versions import current_version, list_versions, verify
from recsys.relations.file import relations_bytes
from recsys.signing import signing_key
from recsys.workspace import Workspace, replace_file, sync_folder


@dataclass(frozen=True)
class Provenance:
    """Where the content of a version comes from."""

    encoder_version: str
    text_template_version: str
    signals: tuple[Signal, ...]
    catalog_seq: int
    blend: FittedBlend | None = None
    data_cutoff: datetime | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    encoding: EncodingRecord | None = None
    last_erasure: datetime | None = None
    events_seq: int | None = None


class IndexWriter:
    """Takes items in ascending id order with their vectors; memory is bounded by one batch.

    Everything is written into a folder that no reader looks at, then renamed; the manifest follows
    last. `close` gives the manifest of the new version, or of the existing one whose content is
    identical (then nothing is written). Leaving the `with` block early removes what was begun.
    """

    def __init__(
        self,
        workspace: Workspace,
        dim: int,
        config: IndexConfig,
        *,
        links: ModelLinks | None = None,
        whitening: Whitening | None = None,
        relations: pa.Table | None = None,
    ) -> None:
        self._workspace, self._dim, self._config = workspace, dim, config
        self._links = links or ModelLinks.empty()
        self._whitening = whitening or Whitening.raw(dim)
        self._relations = relations
        self._begun = BegunFolder.create(workspace.index)
        self._folder = self._begun.path
        self._shards = [ShardWriter(self._folder, shard, config, dim) for shard in range(config.num_shards)]
        self._last_id = ""

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for shard in self._shards:
            shard.close()
        self._begun.close()

    def add(self, items: pa.Table, vectors: np.ndarray) -> None:
        """Add items (columns of `ITEMS`) with vectors `[n, D] float32`.

        Raises `InputError` when ids do not ascend, or a vector is not finite or of another size.
        """
        if vectors.shape != (items.num_rows, self._dim) or not np.isfinite(vectors).all():
            raise InputError(
                "vectors do not fit the items",
                expected=f"finite [{items.num_rows}, {self._dim}]",
                found=f"{vectors.shape}, finite: {bool(np.isfinite(vectors).all())}",
            )
        ids = items.column("item_id").to_pylist()
        self._require_ascending(ids)
        owners = np.array([shard_of(item_id, len(self._shards)) for item_id in ids], np.int64)
        for number, shard in enumerate(self._shards):
            rows = np.flatnonzero(owners == number)
            if len(rows):
                shard.add(items.select(STORED.names).take(pa.array(rows)), vectors[rows])

    def close(self, provenance: Provenance) -> IndexManifest:
        """Finish the version; identical content gives the existing version back, if it is whole."""
        files = [file for shard in self._shards for file in shard.finish(self._links)]
        files.append(self._write_whitening())
        manifest = self._manifest(provenance, files, [shard.compress() for shard in self._shards])
        if (same := self._identical(manifest)) is not None:
            return same
        sync_folder(self._folder)
        target = self._workspace.index_version(manifest.index_version)
        os.rename(self._folder, target)
        sync_folder(self._workspace.index)
        manifest, content = sealed(manifest)
        manifest_file(self._workspace, manifest.index_version).write(content)
        return manifest

    def _manifest(
        self, provenance: Provenance, files: Sequence[ShardFile], scans: Sequence[ShardScan]
    ) -> IndexManifest:
        created_at = datetime.now(UTC)
        draft = IndexManifest(
            index_version="",
            encoder_version=provenance.encoder_version,
            encoding=provenance.encoding,
            text_template_version=provenance.text_template_version,
            signals=provenance.signals,
            dim=self._dim,
            metric=self._config.metric,
            num_shards=self._config.num_shards,
            item_count=sum(shard.rows for shard in self._shards),
            catalog_seq=provenance.catalog_seq,
            blend=provenance.blend,
            data_cutoff=provenance.data_cutoff,
            last_erasure=provenance.last_erasure,
            events_seq=provenance.events_seq,
            metrics=provenance.metrics,
            created_at=created_at,
            parent_version=self._parent(),
            storage=self._config.storage,
            scans=tuple(scans),
            files=tuple(files),
            relations=self._write_relations(),
            seal=UNSEALED,
        ).spelled_out()
        name = f"{created_at:%Y%m%dT%H%M%S%f}-{draft.content_digest}"
        return draft.model_copy(update={"index_version": name})

    def _write_whitening(self) -> ShardFile:
        stored = np.concatenate([self._whitening.mean[None, :], self._whitening.matrix]).astype(np.float32)
        path = self._folder / WHITENING
        with path.open("wb") as file:
            np.save(file, stored, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        return described(path, rows=0)

    def _write_relations(self) -> ShardFile | None:
        if self._relations is None or not self._relations.num_rows:
            return None
        path = self._folder / RELATIONS_FILE
        replace_file(path, relations_bytes(self._relations))
        return described(path, rows=self._relations.num_rows)

    def _parent(self) -> str | None:
        try:
            return current_version(self._workspace)
        except (IndexMissingError, IndexCorruptError):
            return None

    def _identical(self, manifest: IndexManifest) -> IndexManifest | None:
        for name in reversed(list_versions(self._workspace)):
            if name.endswith(manifest.content_digest):
                found = self._whole(name)
                if found is not None and found.catalog_seq == manifest.catalog_seq:
                    return found
        return None

    def _whole(self, index_version: str) -> IndexManifest | None:
        """The manifest of a version that was not damaged since; a damaged one has to be built again.

        So has one that the configured key did not sign: whoever trusts that key would refuse it.
        """
        key = signing_key()
        if key and not manifest_file(self._workspace, index_version).is_signed_by(key):
            return None
        try:
            return verify(self._workspace, index_version)
        except (IndexVersionError, SignatureError, UnsafePathError):
            return None

    def _require_ascending(self, ids: Sequence[str]) -> None:
        for item_id in ids:
            if item_id <= self._last_id:
                raise InputError(
                    "item ids do not ascend", expected=f"an id after {self._last_id!r}", found=repr(item_id)
                )
            self._last_id = item_id
