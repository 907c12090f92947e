"""Which files of a workspace belong into a backup, in an order that is safe while others write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cluster.backup.sinks import Sink
from recsys.backup_manifest import FileRecord
from recsys.errors import IndexMissingError, StoreError
from recsys.index import current_version, list_versions
from recsys.index.manifest import MANIFEST as INDEX_MANIFEST
from recsys.workspace import Workspace

PREFIX = "workspace/"
LEFT_OUT = ("exported", "serving")
"""A cache that is made again, and what running replicas count for each other."""


def add_files(sink: Sink, workspace: Workspace) -> tuple[list[FileRecord], str | None]:
    """Copy everything but the databases; the published index version, or None.

    What is removed meanwhile is left out. Raises `StoreError` when the published version itself goes.
    """
    published = _published(workspace)
    records: list[FileRecord] = []
    for version in list_versions(workspace):
        records += _add_version(sink, workspace, version, needed=version == published)
    if published is not None:
        name = str(workspace.current.relative_to(workspace.root))
        records.append(sink.add_bytes(PREFIX + name, workspace_pointer(published)))
    for path in _others(workspace):
        records += _add(sink, workspace, path)
    return records, published


def workspace_pointer(version: str) -> bytes:
    """What CURRENT says."""
    return f"{version}\n".encode()


def _published(workspace: Workspace) -> str | None:
    try:
        return current_version(workspace)
    except IndexMissingError:
        return None


def _add_version(sink: Sink, workspace: Workspace, version: str, *, needed: bool) -> list[FileRecord]:
    """The manifest last: a version without one does not exist."""
    files = [path for path in _files(workspace.index_version(version)) if path.name != INDEX_MANIFEST]
    manifest = workspace.index_version(version) / INDEX_MANIFEST
    copied = [record for path in files for record in _add(sink, workspace, path)]
    last = _add(sink, workspace, manifest) if len(copied) == len(files) else []
    if needed and not last:
        raise StoreError(
            "the published version was removed meanwhile", expected="run it again", found=version
        )
    return copied + last


def _others(workspace: Workspace) -> Iterator[Path]:
    databases = (workspace.database.name, workspace.serving_database.name)
    pointers = (workspace.current, workspace.staged)
    for top in sorted(workspace.root.iterdir()):
        if top.name in LEFT_OUT or top.name.startswith((".", *databases)):
            continue
        for path in _files(top):
            if top != workspace.index or (path.parent == top and path not in pointers):
                yield path


def _files(top: Path) -> Iterator[Path]:
    """Plain files below a folder, or the file itself; no links, nothing half written."""
    if top.is_symlink() or top.name.startswith("."):
        return
    if top.is_file():
        yield top
    elif top.is_dir():
        for inner in sorted(top.iterdir()):
            yield from _files(inner)


def _add(sink: Sink, workspace: Workspace, path: Path) -> list[FileRecord]:
    try:
        return [sink.add(PREFIX + path.relative_to(workspace.root).as_posix(), path)]
    except FileNotFoundError:
        return []
