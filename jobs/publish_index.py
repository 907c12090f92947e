"""`recsys index | publish | rollback`: build, check, point, go back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cluster.confirmed_publish import rollback_confirmed
from cluster.database import open_database
from cluster.indexing import build_index
from cluster.item_store import ItemStore
from cluster.judged_publish import publish_judged, published, published_manifest
from cluster.replica_board import ReplicaBoard
from cluster.serving_database import open_serving_database, serving_url
from jobs.options import database_url_of
from recsys.blend.fitted import Fitted
from recsys.channels.store import channel_records
from recsys.config import IndexConfig, RuntimeConfig, ScanKind, Storage
from recsys.encoder_record import FILE as ENCODER_RECORD
from recsys.errors import IndexMissingError, IndexVersionError, InputError, SignatureError, UnsafePathError
from recsys.index import (
    IndexManifest,
    list_versions,
    load_manifest,
)
from recsys.index.gate import refusal
from recsys.workspace import Workspace


@dataclass(frozen=True)
class IndexReport:
    """What `recsys index` did."""

    manifest: IndexManifest
    new: bool
    """False when a version with the same content was there already."""

    def as_rows(self) -> dict[str, Any]:
        """The report as people and machines read it."""
        manifest = self.manifest
        return {
            "index_version": manifest.index_version,
            "new": self.new,
            "items": manifest.item_count,
            "shards": manifest.num_shards,
            "dim": manifest.dim,
            "metric": manifest.metric.value,
            **_scan_rows(manifest),
            "megabytes": sum(file.bytes for file in manifest.files) / 1e6,
        }


def _scan_rows(manifest: IndexManifest) -> dict[str, Any]:
    """How shards are searched, with the worst of them."""
    if not manifest.scans:
        return {}
    compressed = sum(scan.kind is ScanKind.COMPRESSED for scan in manifest.scans)
    loss = {} if manifest.storage is Storage.FLOAT32 else {
        "storage_recall": min(scan.storage_recall for scan in manifest.scans)
    }  # fmt: skip
    return {
        "compressed_shards": f"{compressed} of {manifest.num_shards}",
        "recall": min(scan.recall if scan.kind is ScanKind.COMPRESSED else 1.0 for scan in manifest.scans),
        "storage": manifest.storage.value,
        **loss,
    }


def run_index(
    runtime: RuntimeConfig,
    encoder_version: str,
    config: IndexConfig,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
    *,
    fitted: Fitted | None = None,
    force: bool = False,
) -> IndexReport:
    """Build a version from the embeddings of one encoder, judge it, and publish it.

    Raises `GateError` when the gate refuses it; the version is kept with the reasons.
    """
    workspace = Workspace(runtime.workspace)
    before = set(list_versions(workspace))
    store = ItemStore(open_database(database_url_of(runtime)))
    manifest = build_index(workspace, store, encoder_version, config, fitted, on_progress)
    if manifest.index_version != published(workspace):
        publish_judged(workspace, replica_board(runtime), manifest, config.keep_versions, force=force)
    return IndexReport(manifest, manifest.index_version not in before)


def awaits_fit(workspace: Workspace, encoder_version: str) -> bool:
    """Whether the published version learned from events with another encoder, of texts or of a channel.

    A version of text alone must not take its place; `recsys fit` makes one that is compared with it.
    """
    manifest = published_manifest(workspace)
    if manifest is None or manifest.blend is None:
        return False
    known = {(record.name, record.version) for record in channel_records(workspace)}
    fitted = {(share.name, share.version) for share in manifest.blend.settings.channels}
    return manifest.encoder_version != encoder_version or not fitted <= known


def run_publish(
    runtime: RuntimeConfig, index_version: str | None, keep: int = 3, *, force: bool = False
) -> str:
    """Judge a version and publish it; its name. Raises `GateError`.

    When none is named: the newest that no gate has refused; with `force` the newest of all.
    """
    workspace = Workspace(runtime.workspace)
    versions = list_versions(workspace)
    if index_version is None and not versions:
        raise IndexMissingError("there is no index version", expected="a run of `recsys embed`")
    name = _newest(workspace, versions, force=force) if index_version is None else index_version
    publish_judged(workspace, replica_board(runtime), load_manifest(workspace, name), keep, force=force)
    return name


def _newest(workspace: Workspace, versions: Sequence[str], *, force: bool) -> str:
    """The last version that was not refused; the last of all with `force`, or where all were refused."""
    accepted = (name for name in reversed(versions) if force or not refusal(workspace, name))
    return next(accepted, versions[-1])


def run_rollback(runtime: RuntimeConfig) -> str:
    """Go back to the version published before, once every replica has it; its name."""
    return rollback_confirmed(Workspace(runtime.workspace), replica_board(runtime))


def replica_board(runtime: RuntimeConfig) -> ReplicaBoard:
    """Where the replicas of a shop's service report."""
    url = serving_url(Workspace(runtime.workspace), runtime.database_url)
    return ReplicaBoard(open_serving_database(url))


def versions_table(workspace: Workspace) -> dict[str, str]:
    """Every version with its size, or why it cannot be read; the published one is marked."""
    now = published(workspace)
    return {
        name: _told(workspace, name)
        + (" (published)" if name == now else "")
        + (" (refused)" if refusal(workspace, name) else "")
        for name in list_versions(workspace)
    }


def _told(workspace: Workspace, index_version: str) -> str:
    try:
        manifest = load_manifest(workspace, index_version)
    except (IndexVersionError, SignatureError, UnsafePathError) as error:
        return error.what
    return f"{manifest.item_count:,} items, {manifest.num_shards} shards"


def newest_encoder_version(workspace: Workspace) -> str:
    """The encoder used last; raises `InputError` before any embedding was made."""
    records = sorted(
        (workspace.root / "embeddings").glob(f"*/{ENCODER_RECORD}"), key=lambda path: path.stat().st_mtime
    )
    if not records:
        raise InputError("nothing is embedded yet", expected="a run of `recsys embed`", hint="recsys embed")
    return records[-1].parent.name
