"""A version takes the published one's place when the gate has nothing against it and every replica has it."""

from __future__ import annotations

import logging

from cluster.confirmed_publish import publish_confirmed
from cluster.replica_board import ReplicaBoard
from recsys.config import GateConfig
from recsys.errors import GateError, IndexMissingError, IndexVersionError
from recsys.index import IndexManifest, current_version, load_manifest
from recsys.index.gate import gate, mark_refused
from recsys.workspace import Workspace

log = logging.getLogger(__name__)


def publish_judged(
    workspace: Workspace, board: ReplicaBoard, manifest: IndexManifest, keep: int = 3, *, force: bool = False
) -> None:
    """Judge a version and publish it; with `force` also against the gate.

    Raises `GateError` when the gate or a replica refuses it; the gate's reasons stay beside the version.
    """
    reasons = against(workspace, manifest)
    if reasons and not force:
        mark_refused(workspace, manifest.index_version, reasons)
        raise GateError(
            "the version is refused and the published one stays",
            expected="a version that is not worse, or --force",
            found="; ".join(reasons),
            where=manifest.index_version,
        )
    publish_confirmed(workspace, board, manifest.index_version, keep)


def against(workspace: Workspace, manifest: IndexManifest) -> tuple[str, ...]:
    """What the gate has against a version in the place of the one that is published now."""
    beside = published_manifest(workspace)
    if beside is None and (name := published(workspace)):
        log.warning(
            "index version %s cannot be read; %s is not compared with it", name, manifest.index_version
        )
    return gate(manifest, beside, GateConfig())


def published_manifest(workspace: Workspace) -> IndexManifest | None:
    """Of the version that is published now; None where none is.

    None also for one that this release cannot read: nothing starts from it, so it must not keep out the
    version that takes its place. Raises `SignatureError`: somebody else's version is looked into first.
    """
    current = published(workspace)
    try:
        return load_manifest(workspace, current) if current else None
    except IndexVersionError:
        return None


def published(workspace: Workspace) -> str | None:
    """Name of the published version, or None."""
    try:
        return current_version(workspace)
    except IndexMissingError:
        return None
