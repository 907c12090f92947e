"""Immutable index versions: shards, a manifest written last, and the pointer to the published one."""

from recsys.index.manifest import IndexManifest, ShardFile, Signal
from recsys.index.versions import (
    current_version,
    earlier_version,
    list_versions,
    load_manifest,
    make_current,
    point_to,
    publish,
    remove_old_versions,
    rollback,
    verify,
)
from recsys.index.writer import IndexWriter

__all__ = [
    "IndexManifest",
    "IndexWriter",
    "ShardFile",
    "Signal",
    "current_version",
    "earlier_version",
    "list_versions",
    "load_manifest",
    "make_current",
    "point_to",
    "publish",
    "remove_old_versions",
    "rollback",
    "verify",
]
