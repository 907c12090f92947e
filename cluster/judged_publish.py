"""A version takes the published one's place when the gate has nothing against it and every replica has it."""

from __future__ import annotations

import logging

from cluster.confirmed_publish import publish_confirmed
from cluster.replica_board import ReplicaBoard
from recsys.config import GateConfig
from recsys.errors import (
    GateError,
    IndexCorruptError,
    IndexFormatError,
    IndexMissingError,
    IndexVersionError,
)
from recsys.index import IndexManifest, current_version, earlier_version, load_manifest
from recsys.index.gate import forget_refusal, gate, mark_refused
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
    forget_refusal(workspace, manifest.index_version)


def against(workspace: Workspace, manifest: IndexManifest) -> tuple[str, ...]:
    """What the gate has against a version in the place of the one that is published now."""
    beside, name = published_manifest(workspace), published(workspace)
    if name and (beside is None or beside.index_version != name):
        instead = beside.index_version if beside else "no version"
        log.warning("index version %s cannot be read; compared with %s instead", name, instead)
    return gate(manifest, beside, GateConfig())


def published_manifest(workspace: Workspace) -> IndexManifest | None:
    """Of the version that is published now, or where it was damaged of the one before; None where none is.

    None also for one that another release wrote: nothing starts from it, so it must not keep out the version
    that takes its place. Raises `SignatureError`: somebody else's version is looked into first.
    """
    try:
        return load_manifest(workspace, current_version(workspace))
    except IndexFormatError:
        return None
    except IndexVersionError:
        return _earlier_manifest(workspace)


def _earlier_manifest(workspace: Workspace) -> IndexManifest | None:
    try:
        return load_manifest(workspace, earlier_version(workspace))
    except IndexVersionError:
        return None


def published(workspace: Workspace) -> str | None:
    """Name of the published version; None where none is, or the pointer was damaged."""
    try:
        return current_version(workspace)
    except (IndexMissingError, IndexCorruptError):
        return None
