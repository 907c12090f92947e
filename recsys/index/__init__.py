"""Immutable index versions: shards, a manifest written last, and the pointer to the published one."""

from recsys.index.manifest import IndexManifest, ShardFile, Signal
from recsys.index.versions import (
    current_version,
    list_versions,
    load_manifest,
    publish,
    remove_old_versions,
    rollback,
)
from recsys.index.writer import IndexWriter

__all__ = [
    "IndexManifest",
    "IndexWriter",
    "ShardFile",
    "Signal",
    "current_version",
    "list_versions",
    "load_manifest",
    "publish",
    "remove_old_versions",
    "rollback",
]
