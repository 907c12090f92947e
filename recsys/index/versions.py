"""Which versions there are, which one is published, and the way back."""

from __future__ import annotations

import json
import shutil

from recsys.errors import IndexCorruptError, IndexMissingError, UnsafePathError
from recsys.index.files import check_content, open_codes, open_relations, open_shard, open_whitening
from recsys.index.manifest import MANIFEST, IndexManifest, manifest_file
from recsys.index.seal import read_sealed, require_complete
from recsys.workspace import Workspace, plain_name, replace_file, require_inside

HISTORY = "HISTORY"


def list_versions(workspace: Workspace) -> list[str]:
    """Complete versions, oldest first; folders without a manifest do not count."""
    return sorted(path.parent.name for path in workspace.index.glob(f"[!.]*/{MANIFEST}"))


def load_manifest(workspace: Workspace, index_version: str) -> IndexManifest:
    """The manifest of one version.

    Raises `IndexMissingError` when there is no such version, `UnsafePathError` for a name that leads
    elsewhere, `SignatureError` when keys are trusted and none of them signed it, `IndexFormatError` when
    another release wrote it in a way that this one does not read, `IndexCorruptError` when it is not valid,
    was altered, belongs to another version, or does not match the digest in its name.
    """
    file = manifest_file(workspace, index_version)
    require_inside(file.path, workspace.index)
    try:
        manifest = read_sealed(file.read(), index_version)
    except FileNotFoundError as error:
        known = ", ".join(list_versions(workspace)[-5:]) or "none"
        raise IndexMissingError(
            "there is no such index version", expected=f"one of {known}", found=index_version
        ) from error
    if manifest.index_version != index_version or not index_version.endswith(manifest.content_digest):
        raise IndexCorruptError(
            "a manifest does not belong to its version",
            expected=index_version,
            found=f"{manifest.index_version} with content {manifest.content_digest}",
        )
    require_complete(manifest)
    return manifest


def current_version(workspace: Workspace) -> str:
    """Name of the published version.

    Raises `IndexMissingError` when nothing was published, `IndexCorruptError` when the pointer was damaged.
    """
    try:
        name = workspace.current.read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError as error:
        raise IndexMissingError(
            "no index version is published",
            expected="a run of `recsys embed` or `recsys publish`",
            where=str(workspace.index),
        ) from error
    try:
        return plain_name(name)
    except UnsafePathError as error:
        raise IndexCorruptError(
            "the pointer to the published version is not valid", found=str(error)
        ) from error


def publish(workspace: Workspace, index_version: str, keep: int = 3) -> None:
    """Verify a version whole, then make it the one that answers; older ones beyond `keep` are removed.

    Raises `IndexMissingError` or `IndexCorruptError` and leaves the pointer as it was.
    """
    verify(workspace, index_version)
    make_current(workspace, index_version, keep)


def make_current(workspace: Workspace, index_version: str, keep: int = 3) -> None:
    """Point to a version that the caller has verified; older ones beyond `keep` are removed."""
    history = [name for name in _history(workspace) if name != index_version]
    _write_history(workspace, [*history, index_version])
    point_to(workspace, index_version)
    remove_old_versions(workspace, keep)


def rollback(workspace: Workspace) -> str:
    """Publish the version that was published before the current one; its name.

    Raises `IndexMissingError` when there is none left.
    """
    earlier = earlier_version(workspace)
    verify(workspace, earlier)
    point_to(workspace, earlier)
    return earlier


def earlier_version(workspace: Workspace) -> str:
    """The version published before the current one, where the pointer was damaged the one published last.

    Raises `IndexMissingError` when none is left.
    """
    current, existing = _current_if_whole(workspace), set(list_versions(workspace))
    earlier = [name for name in _before(_history(workspace), current) if name in existing]
    if not earlier:
        raise IndexMissingError("there is no earlier version to go back to", found=current)
    return earlier[-1]


def point_to(workspace: Workspace, index_version: str) -> None:
    """Make a version that was published before the one that answers; it was verified by the caller.

    What was published after it is no version to go back to any more.
    """
    replace_file(workspace.current, f"{index_version}\n".encode())
    history = _history(workspace)
    _write_history(workspace, [*_before(history, index_version), index_version])


def verify(workspace: Workspace, index_version: str) -> IndexManifest:
    """Read a version whole and check it; raises `IndexMissingError` or `IndexCorruptError`."""
    manifest = load_manifest(workspace, index_version)
    for shard in range(manifest.num_shards):
        items, vectors, links = open_shard(workspace, manifest, shard)
        check_content(manifest, shard, items, vectors, links)
        open_codes(workspace, manifest, shard)
    open_whitening(workspace, manifest)
    open_relations(workspace, manifest)
    return manifest


def remove_old_versions(workspace: Workspace, keep: int) -> list[str]:
    """Remove all but the newest `keep` versions; the published one and the one before it stay."""
    current = current_version(workspace)
    safe = {current, *_before(_history(workspace), current)[-1:]}
    removed = [name for name in list_versions(workspace)[:-keep] if name not in safe]
    for name in removed:
        folder = workspace.index_version(name)
        require_inside(folder, workspace.index)
        (folder / MANIFEST).unlink()  # first, so that a reader never meets a half-removed version
        shutil.rmtree(folder)
    return removed


def _current_if_whole(workspace: Workspace) -> str:
    """The published version; an empty name, which none has, where the pointer was damaged."""
    try:
        return current_version(workspace)
    except IndexCorruptError:
        return ""


def _before(history: list[str], current: str) -> list[str]:
    return history[: history.index(current)] if current in history else history


def _history(workspace: Workspace) -> list[str]:
    try:
        names: list[str] = json.loads((workspace.index / HISTORY).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise IndexCorruptError("the publish history is not valid", where=HISTORY) from error
    return names


def _write_history(workspace: Workspace, names: list[str]) -> None:
    replace_file(workspace.index / HISTORY, json.dumps(names[-50:]).encode())
