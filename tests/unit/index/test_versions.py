"""Index versions: written last-manifest-first-visible, refused when altered, never half published."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from recsys.config import IndexConfig, Metric
from recsys.errors import IndexCorruptError, IndexMissingError, IndexVersionError, InputError
from recsys.index import (
    IndexManifest,
    IndexWriter,
    Signal,
    current_version,
    list_versions,
    load_manifest,
    publish,
    rollback,
)
from recsys.index.begun_folder import BegunFolder
from recsys.index.manifest import MANIFEST
from recsys.index.versions import verify
from recsys.index.writer import Provenance
from recsys.retrieval import ShardIndex
from recsys.schemas import ITEMS, conform
from recsys.workspace import Workspace

SIGNALS = (Signal(name="text", width=3, weight=1.0),)


def build(workspace: Workspace, seed: int = 0, num_shards: int = 2, count: int = 20) -> IndexManifest:
    """A small version; the seed decides its vectors."""
    ids = [f"i{number:02d}" for number in range(count)]
    items = conform(pa.table({"item_id": ids, "title": ids, "available": [True] * count}), ITEMS)
    vectors = np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)
    with IndexWriter(workspace, 3, IndexConfig(num_shards=num_shards)) as writer:
        writer.add(items, vectors)
        return writer.close(Provenance("enc", "1", SIGNALS, 7))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """An empty workspace."""
    return Workspace(tmp_path)


def test_building_again_gives_a_whole_version_back_and_replaces_a_damaged_one(workspace: Workspace) -> None:
    first = build(workspace)
    assert build(workspace) == first
    damaged = workspace.index_version(first.index_version) / first.files[1].path
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    again = build(workspace)
    assert again.index_version != first.index_version
    assert again.content_digest == first.content_digest
    publish(workspace, again.index_version)


def test_versions_are_published_and_rolled_back_in_turn(workspace: Workspace) -> None:
    with pytest.raises(IndexMissingError):
        current_version(workspace)
    names = [build(workspace, seed).index_version for seed in range(3)]
    for name in names:
        publish(workspace, name)
    assert list_versions(workspace) == names
    assert (rollback(workspace), rollback(workspace)) == (names[1], names[0])
    assert current_version(workspace) == names[0]
    with pytest.raises(IndexMissingError):
        rollback(workspace)


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe\x00", b"../elsewhere\n"])
def test_a_damaged_pointer_is_told_and_a_rollback_gives_back_what_was_published_last(
    workspace: Workspace, damage: bytes
) -> None:
    names = [build(workspace, seed).index_version for seed in range(2)]
    for name in names:
        publish(workspace, name)
    workspace.current.write_bytes(damage)
    with pytest.raises(IndexCorruptError, match="pointer"):
        current_version(workspace)
    assert (rollback(workspace), current_version(workspace)) == (names[1], names[1])
    assert rollback(workspace) == names[0]
    workspace.current.write_bytes(damage)
    assert rollback(workspace) == names[0]  # not what a person took out of service


def test_old_versions_go_but_never_the_current_or_the_one_before(workspace: Workspace) -> None:
    names = [build(workspace, seed).index_version for seed in range(5)]
    publish(workspace, names[0], keep=10)
    publish(workspace, names[1], keep=2)
    assert list_versions(workspace) == [names[0], names[1], names[3], names[4]]


def test_the_same_content_is_the_same_version(workspace: Workspace) -> None:
    first = build(workspace)
    assert build(workspace).index_version == first.index_version
    assert build(workspace, seed=1).index_version != first.index_version
    assert len(list_versions(workspace)) == 2
    assert not list(workspace.index.glob(".building-*"))


def test_an_empty_catalog_is_a_version_that_answers_nothing(workspace: Workspace) -> None:
    manifest = build(workspace, count=0)
    publish(workspace, manifest.index_version)
    shard = ShardIndex.open(workspace, manifest, 1)
    assert len(shard.search(np.ones((1, 3), np.float32), 5)[0]) == 0


Harm = Callable[[Path, Path], object]


def flip(at: float) -> Harm:
    """Change one bit at a place of the file."""

    def harm(file: Path, other: Path) -> None:
        content = bytearray(file.read_bytes())
        content[int(at * (len(content) - 1))] ^= 1
        file.write_bytes(content)

    return harm


def swap(file: Path, other: Path) -> None:
    """Exchange two files."""
    mine, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(theirs)
    other.write_bytes(mine)


HARMS: dict[str, Harm] = {
    **{f"bit at {at}": flip(at) for at in (0.0, 0.1, 0.5, 0.9, 1.0)},
    "truncated": lambda file, other: file.write_bytes(file.read_bytes()[:-1]),
    "grown": lambda file, other: file.write_bytes(file.read_bytes() + b"\0"),
    "gone": lambda file, other: file.unlink(),
    "swapped": swap,
}


@pytest.mark.parametrize("name", HARMS)
@pytest.mark.parametrize("number", range(6))
def test_an_altered_shard_file_is_refused_everywhere(workspace: Workspace, number: int, name: str) -> None:
    good, manifest = build(workspace, seed=1), build(workspace)
    publish(workspace, good.index_version)
    folder = workspace.index_version(manifest.index_version)
    paths = [folder / file.path for file in manifest.files]
    HARMS[name](paths[number], paths[(number + 1) % 6])
    with pytest.raises(IndexCorruptError):
        ShardIndex.open(workspace, manifest, number // 3)
    with pytest.raises(IndexCorruptError):
        publish(workspace, manifest.index_version)
    assert current_version(workspace) == good.index_version


def test_a_manifest_with_any_bit_flipped_is_refused(workspace: Workspace) -> None:
    manifest = build(workspace)
    path = workspace.index_version(manifest.index_version) / MANIFEST
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        with pytest.raises(IndexVersionError):
            load_manifest(workspace, manifest.index_version)
    path.write_bytes(whole)
    assert load_manifest(workspace, manifest.index_version) == manifest


@pytest.mark.parametrize("change", [{"catalog_seq": 9}, {"item_count": 1}, {"catalog_seq": 9, "seal": ""}])
def test_a_manifest_that_says_something_else_is_refused(workspace: Workspace, change: dict[str, Any]) -> None:
    """Found by the chaos suite: an edited `catalog_seq` hid every later change of the catalog."""
    manifest = build(workspace)
    path = workspace.index_version(manifest.index_version) / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(IndexCorruptError):
        load_manifest(workspace, manifest.index_version)


def test_what_a_killed_writer_had_begun_is_removed_and_what_is_being_built_is_not(
    workspace: Workspace,
) -> None:
    """Found by the chaos suite: every killed build left its folder for ever."""
    version = workspace.index / build(workspace).index_version
    held = BegunFolder.create(workspace.index)
    for name in (".building-killed", "20200101T000000000000-aaaaaaaaaaaa", "20200101T000000000000-restoring"):
        (workspace.index / name).mkdir()
        (workspace.index / name / "shard-00000-of-00001.vectors.npy").touch()
    os.utime(workspace.index / "20200101T000000000000-aaaaaaaaaaaa", (0, 0))
    os.utime(version, (0, 0))
    BegunFolder.create(workspace.index).close()
    kept = {path.name for path in workspace.index.iterdir()}
    assert kept == {held.path.name, version.name, "20200101T000000000000-restoring"}
    held.close()


def test_the_manifest_of_another_version_is_refused(workspace: Workspace) -> None:
    first, second = build(workspace), build(workspace, seed=1)
    folder = workspace.index_version(second.index_version)
    shutil.copy(workspace.index_version(first.index_version) / MANIFEST, folder / MANIFEST)
    with pytest.raises(IndexCorruptError):
        load_manifest(workspace, second.index_version)


def test_a_folder_without_a_manifest_does_not_exist(workspace: Workspace) -> None:
    manifest = build(workspace)
    (workspace.index_version(manifest.index_version) / MANIFEST).unlink()
    assert list_versions(workspace) == []
    with pytest.raises(IndexMissingError):
        publish(workspace, manifest.index_version)


@pytest.mark.parametrize("call", ["rename", "replace", "fsync"])
def test_a_stop_at_any_step_leaves_one_complete_version(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    old = build(workspace).index_version
    publish(workspace, old)
    real = getattr(os, call)
    for step in range(1, 30):
        left = step

        def stop(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            if left == 0:
                raise OSError("stopped here")
            return real(*arguments)

        monkeypatch.setattr(os, call, stop)
        try:
            publish(workspace, build(workspace, seed=step).index_version)
        except OSError:
            finished = False
        else:
            finished = left > 0
        monkeypatch.setattr(os, call, real)
        verify(workspace, current_version(workspace))
        for name in list_versions(workspace):
            verify(workspace, name)
        if finished:
            break
    assert finished
    assert step > 1


def test_what_cannot_be_indexed_is_refused(workspace: Workspace) -> None:
    items = conform(pa.table({"item_id": ["b", "a"], "title": ["x", "x"], "available": [True] * 2}), ITEMS)
    with IndexWriter(workspace, 3, IndexConfig(metric=Metric.COSINE)) as writer:
        with pytest.raises(InputError, match="ascend"):
            writer.add(items, np.zeros((2, 3), np.float32))
        with pytest.raises(InputError, match="finite"):
            writer.add(items.slice(1), np.full((1, 3), np.nan, np.float32))
        with pytest.raises(InputError):
            writer.add(items.slice(1), np.zeros((1, 4), np.float32))
    assert list_versions(workspace) == []
    assert not list(workspace.index.glob(".building-*"))
