"""A version whose shards are compressed: measured, refused when altered, the same when built again."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from recsys.config import IndexConfig, ScanKind, Storage
from recsys.errors import IndexCorruptError
from recsys.index import IndexManifest, IndexWriter, Signal, publish
from recsys.index.manifest import MANIFEST
from recsys.index.versions import load_manifest, verify
from recsys.index.writer import Provenance
from recsys.retrieval import ShardIndex
from recsys.schemas import ITEMS, conform
from recsys.workspace import Workspace
from tests.unit.scan.clustered import clustered

COUNT, DIM = 4_000, 16


def build(workspace: Workspace, count: int = COUNT, **config: object) -> IndexManifest:
    """A version of two shards."""
    ids = [f"i{number:05d}" for number in range(count)]
    items = conform(pa.table({"item_id": ids, "title": ids, "available": [True] * count}), ITEMS)
    with IndexWriter(workspace, DIM, IndexConfig.model_validate({"num_shards": 2, **config})) as writer:
        writer.add(items, clustered(count, DIM))
        return writer.close(Provenance("enc", "1", (Signal(name="text", width=DIM, weight=1.0),), 7))


def test_shards_are_compressed_and_say_what_it_costs(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = build(workspace, scan=ScanKind.COMPRESSED)
    publish(workspace, manifest.index_version)
    for shard in range(2):
        made = manifest.shard_scan(shard)
        assert made.kind is ScanKind.COMPRESSED
        assert made.recall >= IndexConfig().recall_floor
        assert made.rerank > 0
        index = ShardIndex.open(workspace, manifest, shard)
        queries = clustered(20, DIM, seed=4)
        exact, found = index.search(queries, 10, exact=True), index.search(queries, 10)
        shared = [len(set(a.item_ids) & set(b.item_ids)) for a, b in zip(exact, found, strict=True)]
        assert np.mean(shared) >= 9.5


def test_auto_compresses_only_large_shards(tmp_path: Path) -> None:
    small = build(Workspace(tmp_path))
    large = build(Workspace(tmp_path), min_compressed_rows=1_500)
    assert {s.kind for s in small.scans} == {ScanKind.EXACT}
    assert {s.kind for s in large.scans} == {ScanKind.COMPRESSED}


def test_a_shard_below_its_floor_is_exact_and_says_so(tmp_path: Path) -> None:
    # Two shards of 500 rows: too few to learn codes from.
    manifest = build(Workspace(tmp_path), count=1_000, scan=ScanKind.COMPRESSED)
    assert {s.kind for s in manifest.scans} == {ScanKind.EXACT}
    assert all(s.file is None for s in manifest.scans)


@pytest.mark.parametrize("harm", ["bit", "gone", "swapped"])
def test_altered_codes_are_refused(tmp_path: Path, harm: str) -> None:
    workspace = Workspace(tmp_path)
    manifest = build(workspace, scan=ScanKind.COMPRESSED)
    names = [scan.file.path for scan in manifest.scans if scan.file]
    file, other = (workspace.index_version(manifest.index_version) / name for name in names)
    content = bytearray(file.read_bytes())
    if harm == "bit":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif harm == "gone":
        file.unlink()
    else:
        file.write_bytes(other.read_bytes())
    with pytest.raises(IndexCorruptError):
        ShardIndex.open(workspace, manifest, 0)
    with pytest.raises(IndexCorruptError):
        verify(workspace, manifest.index_version)


def test_the_same_content_is_the_same_version(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first = build(workspace, scan=ScanKind.COMPRESSED)
    assert build(workspace, scan=ScanKind.COMPRESSED).index_version == first.index_version
    assert build(workspace, scan=ScanKind.EXACT).index_version != first.index_version


@pytest.mark.parametrize("storage", [Storage.FLOAT16, Storage.INT8])
def test_vectors_in_fewer_bytes(tmp_path: Path, storage: Storage) -> None:
    workspace = Workspace(tmp_path)
    plain, manifest = build(workspace), build(workspace, storage=storage, scan=ScanKind.COMPRESSED)
    assert manifest.shard_files(0)[1].bytes < 0.6 * plain.shard_files(0)[1].bytes
    assert all(0.9 <= scan.storage_recall <= 1.0 for scan in manifest.scans)
    verify(workspace, manifest.index_version)
    index, truth = (ShardIndex.open(workspace, one, 1) for one in (manifest, plain))
    query = clustered(1, DIM, seed=9)
    (found,), (right,) = index.search(query, 10), truth.search(query, 10)
    assert len(set(found.item_ids) & set(right.item_ids)) >= 9
    item = right.item_ids[0]
    np.testing.assert_allclose(index.vectors([item])[item], truth.vectors([item])[item], atol=1e-2)


def test_a_version_of_before_is_scanned_exactly(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = build(workspace)
    path = workspace.index_version(manifest.index_version) / MANIFEST
    old = json.loads(path.read_text())
    for name in ("storage", "scans", "seal"):
        del old[name]
    without = IndexManifest.model_validate(old)
    old["index_version"] = f"20260101T000000000000-{without.content_digest}"
    path.parent.rename(path.parent.parent / old["index_version"])
    workspace.index_version(old["index_version"]).joinpath(MANIFEST).write_text(json.dumps(old))
    loaded = load_manifest(workspace, old["index_version"])
    assert ShardIndex.open(workspace, loaded, 0).num_items > 0
