"""Immutable index versions: shards, a manifest written last, and the pointer to the published one."""

from recsys.index.manifest import IndexManifest, ShardFile, Signal
from recsys.index.publishing import current_version, publish, remove_old_versions, rollback
from recsys.index.versions import list_versions, load_manifest, verify
from recsys.index.writer import IndexWriter, Provenance

__all__ = [
    "IndexManifest",
    "IndexWriter",
    "Provenance",
    "ShardFile",
    "Signal",
    "current_version",
    "list_versions",
    "load_manifest",
    "publish",
    "remove_old_versions",
    "rollback",
    "verify",
]
