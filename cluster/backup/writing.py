"""Making a backup."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cluster.backup.databases import copy_server, copy_sqlite
from cluster.backup.files import add_files
from cluster.backup.sinks import Sink, sink_at
from cluster.database import open_database
from cluster.event_store import EventStore
from recsys.backup_manifest import MANIFEST, BackupManifest, manifest_file
from recsys.errors import ConfigError, StoreError
from recsys.signing import signing_key
from recsys.workspace import Workspace

PACKAGE = "recsys-on-ray"


@dataclass(frozen=True)
class BackedUp:
    """What was written."""

    out: Path
    manifest: BackupManifest
    num_bytes: int
    acked_since: int
    """Events that were acked between the cut and the end of the backup; they are not in it."""
    seconds_since: float
    """From the cut to the end: what would be lost, in time, if the host died now."""


def back_up(workspace: Workspace, database_url: str, out: Path) -> BackedUp:
    """Write a backup to a new folder, or to a `.tar`, `.tar.gz` or `.tgz`; the service may run.

    Files first, databases last: what an index version was built from is then in the database, and the cut is
    as young as can be. Raises `ConfigError` for a place that is taken or inside the workspace, `StoreError`.
    """
    _require_place(workspace, out)
    engine = open_database(database_url)
    try:
        with sink_at(out) as (sink, scratch):
            files, published = add_files(sink, workspace)
            if engine.dialect.name == "sqlite":
                file = Path(engine.url.database or "")
                copies = copy_sqlite(sink, file, workspace.serving_database, scratch)
            else:
                copies = copy_server(sink, engine, scratch)
            manifest = BackupManifest(
                release=version(PACKAGE),
                database=engine.dialect.name,
                revisions=copies.revisions,
                index_version=published,
                cut=copies.cut,
                tables=copies.tables,
                files=[*files, *copies.files],
            )
            _add_manifest(sink, manifest)
        acked = EventStore(engine).last_seq() - copies.cut.last_seq
    finally:
        engine.dispose()
    seconds = time.time() - copies.cut.taken_at_us / 1e6
    return BackedUp(out, manifest, sum(one.num_bytes for one in manifest.files), acked, seconds)


def _add_manifest(sink: Sink, manifest: BackupManifest) -> None:
    """The manifest at the very end, after its signature where a key is configured."""
    content, file = manifest.to_json(), manifest_file(Path())
    if (key := signing_key()) is not None:
        sink.add_bytes(file.signature_path.name, file.signature_of(key, content))
    sink.add_bytes(MANIFEST, content)


def _require_place(workspace: Workspace, out: Path) -> None:
    if not workspace.root.is_dir():
        raise StoreError("there is no workspace", found=str(workspace.root))
    if out.resolve().is_relative_to(workspace.root.resolve()):
        raise ConfigError("a backup does not lie in what it saves", expected="another folder", found=str(out))
