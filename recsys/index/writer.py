"""Writes an index version as a stream: batch after batch into its shards, manifest at the very end."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pyarrow as pa

from recsys.config import IndexConfig
from recsys.errors import IndexVersionError, InputError
from recsys.identifiers import shard_of
from recsys.index.locks import BUILDING, claim_folder, clear_abandoned, index_lock
from recsys.index.manifest import MANIFEST, IndexManifest, ShardFile, Signal
from recsys.index.publishing import current_version
from recsys.index.shard_writer import ShardWriter
from recsys.index.vectors import check_vectors
from recsys.index.versions import list_versions, verify
from recsys.text import item_texts
from recsys.workspace import Workspace, replace_file, sync_folder

NAME_TIME = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True)
class Provenance:
    """Where the content of a version comes from."""

    encoder_version: str
    text_template_version: str
    signals: tuple[Signal, ...]
    catalog_seq: int
    data_cutoff: datetime | None = None
    metrics: dict[str, float] = field(default_factory=dict)


class IndexWriter:
    """Takes items in ascending id order with their vectors; memory is bounded by one batch.

    Everything is written into a folder that no reader looks at, then renamed; the manifest follows
    last. `close` gives the manifest of the new version, or of the existing one whose content is
    identical and whole (then nothing is added). Leaving the `with` block early removes what was
    begun; what a killed build leaves is removed by the next one.
    """

    def __init__(self, workspace: Workspace, dim: int, config: IndexConfig) -> None:
        self._workspace, self._dim, self._config = workspace, dim, config
        self._folder = workspace.index / f"{BUILDING}{uuid4().hex}"
        with index_lock(workspace):  # nobody may take the folder for abandoned before it is claimed
            clear_abandoned(workspace)
            self._folder.mkdir()
            self._claim = claim_folder(self._folder)
        self._shards = [
            ShardWriter(self._folder, s, config.num_shards, dim) for s in range(config.num_shards)
        ]
        self._texts: set[bytes] = set()
        self._last_id = ""

    def __enter__(self) -> IndexWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for shard in self._shards:
            shard.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None

    def add(self, items: pa.Table, vectors: np.ndarray, text_hashes: Sequence[str] | None = None) -> None:
        """Add items (columns of `ITEMS`) with vectors `[n, D] float32`.

        `text_hashes`: of the texts behind the vectors; None computes them. Raises `InputError` when
        ids do not ascend, or a vector is not finite, too long or of another size.
        """
        if vectors.shape != (items.num_rows, self._dim):
            raise InputError(
                "vectors do not fit the items",
                expected=f"[{items.num_rows}, {self._dim}]",
                found=str(vectors.shape),
            )
        check_vectors(vectors)
        ids = items.column("item_id").to_pylist()
        self._require_ascending(ids)
        hashes = item_texts(items)["text_hash"].to_pylist() if text_hashes is None else list(text_hashes)
        self._texts.update(bytes.fromhex(text_hash) for text_hash in hashes)
        stored = items.append_column("text_hash", pa.array(hashes, pa.string()))
        owners = np.array([shard_of(item_id, len(self._shards)) for item_id in ids], np.int64)
        for number, shard in enumerate(self._shards):
            rows = np.flatnonzero(owners == number)
            if len(rows):
                shard.add(stored.take(pa.array(rows)), vectors[rows])

    def close(self, provenance: Provenance) -> IndexManifest:
        """Finish the version; identical content gives the existing version back."""
        files = [file for shard in self._shards for file in shard.finish()]
        sync_folder(self._folder)
        with index_lock(self._workspace):
            manifest = self._manifest(provenance, files)
            if (same := self._identical(manifest)) is not None:
                return same
            target = self._workspace.index_version(manifest.index_version)
            os.rename(self._folder, target)
            sync_folder(self._workspace.index)
            replace_file(target / MANIFEST, manifest.to_bytes())
        return manifest

    def _manifest(self, provenance: Provenance, files: Sequence[ShardFile]) -> IndexManifest:
        created_at = self._time()
        draft = IndexManifest(
            index_version="",
            encoder_version=provenance.encoder_version,
            text_template_version=provenance.text_template_version,
            signals=provenance.signals,
            dim=self._dim,
            metric=self._config.metric,
            num_shards=self._config.num_shards,
            item_count=sum(shard.rows for shard in self._shards),
            num_texts=len(self._texts),
            catalog_seq=provenance.catalog_seq,
            created_at=created_at,
            parent_version=self._parent(),
            data_cutoff=provenance.data_cutoff,
            metrics=provenance.metrics,
            files=tuple(files),
        )
        name = f"{created_at:{NAME_TIME}}-{draft.content_digest}"
        return draft.model_copy(update={"index_version": name}).sealed()

    def _time(self) -> datetime:
        """Now, or just after the newest version where the clock went back: names sort by age."""
        now, versions = datetime.now(UTC), list_versions(self._workspace)
        if not versions or versions[-1].split("-")[0] < f"{now:{NAME_TIME}}":
            return now
        newest = datetime.strptime(versions[-1].split("-")[0], NAME_TIME).replace(tzinfo=UTC)
        return newest + timedelta(microseconds=1)

    def _parent(self) -> str | None:
        try:
            return current_version(self._workspace)
        except IndexVersionError:
            return None

    def _identical(self, manifest: IndexManifest) -> IndexManifest | None:
        """A whole version with this content as of the same catalog, if there is one."""
        for name in reversed(list_versions(self._workspace)):
            if not name.endswith(manifest.content_digest):
                continue
            try:
                found = verify(self._workspace, name)
            except IndexVersionError:
                continue  # damaged: what was just written takes its place
            if found.catalog_seq == manifest.catalog_seq:
                return found
        return None

    def _require_ascending(self, ids: Sequence[str]) -> None:
        for item_id in ids:
            if item_id <= self._last_id:
                raise InputError(
                    "item ids do not ascend", expected=f"an id after {self._last_id!r}", found=repr(item_id)
                )
            self._last_id = item_id
