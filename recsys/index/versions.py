"""Which versions there are, and whether one is whole."""

from __future__ import annotations

from recsys.errors import IndexMissingError
from recsys.index.files import check_content, open_shard
from recsys.index.manifest import MANIFEST, VERSION_NAME, IndexManifest, manifest_of
from recsys.workspace import Workspace


def list_versions(workspace: Workspace) -> list[str]:
    """Complete versions, oldest first; folders without a manifest do not count."""
    names = [path.parent.name for path in workspace.index.glob(f"[!.]*/{MANIFEST}")]
    return sorted(name for name in names if VERSION_NAME.fullmatch(name))


def load_manifest(workspace: Workspace, index_version: str) -> IndexManifest:
    """The manifest of one version.

    Raises `IndexMissingError` when there is no such version, `IndexCorruptError` when its manifest
    is not to the byte what was written for it.
    """
    path = workspace.index_version(index_version) / MANIFEST
    # A name that is not a version's could be a path to anywhere.
    if not VERSION_NAME.fullmatch(index_version) or not path.is_file():
        known = ", ".join(list_versions(workspace)[-5:]) or "none"
        raise IndexMissingError(
            "there is no such index version",
            expected=f"one of {known}",
            found=index_version,
            where=str(workspace.index),
        )
    return manifest_of(path.read_bytes(), index_version)


def verify(workspace: Workspace, index_version: str) -> IndexManifest:
    """Read a version whole and check it; raises `IndexMissingError` or `IndexCorruptError`."""
    manifest = load_manifest(workspace, index_version)
    for shard in range(manifest.num_shards):
        items, vectors = open_shard(workspace, manifest, shard)
        check_content(manifest, shard, items, vectors)
    return manifest
