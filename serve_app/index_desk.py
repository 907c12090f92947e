"""Index versions over HTTP: which there are, what the gate says of them, publish and roll back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from cluster.confirmed_publish import rollback_confirmed, staged_version
from cluster.control_store import ControlStore
from cluster.judged_publish import publish_judged, published, published_manifest
from cluster.replica_board import ReplicaBoard
from recsys.config import GateConfig
from recsys.errors import ConflictError, IndexMissingError, NotFoundError, RecsysError
from recsys.index import IndexManifest, earlier_version, list_versions, load_manifest
from recsys.index.gate import gate, refusal
from recsys.index.item_map import has_map
from recsys.payloads import MadeBody, ReleaseAnswer, SignalBody, VersionBody, VersionsAnswer
from recsys.workspace import Workspace

AUDITED = ("release", "index")
"""Kind and name under which the audit log has what was published by hand."""


class IndexDesk:
    """Reads the workspace and moves its pointer; every replica confirms before, and the audit log has it."""

    def __init__(self, workspace: Workspace, board: ReplicaBoard, controls: ControlStore) -> None:
        self._workspace, self._board, self._controls = workspace, board, controls

    async def versions(self, limit: int, before: str | None) -> VersionsAnswer:
        """The newest versions, or those older than `before`."""
        return await asyncio.to_thread(self._versions, limit, before)

    async def publish(self, index_version: str, force: bool, actor: str) -> ReleaseAnswer:
        """Make a version the one that answers.

        Raises `NotFoundError` for one that is not there, `GateError` where the gate or a replica refuses it.
        """
        return await asyncio.to_thread(self._publish, index_version, force, actor)

    async def roll_back(self, index_version: str, actor: str) -> ReleaseAnswer:
        """Go back from the published version to the one before it.

        Raises `ConflictError` when another is published by now, or none is left to go back to.
        """
        return await asyncio.to_thread(self._roll_back, index_version, actor)

    def _versions(self, limit: int, before: str | None) -> VersionsAnswer:
        names = [name for name in reversed(list_versions(self._workspace)) if before is None or name < before]
        shown = names[:limit]
        now, staged = published(self._workspace), staged_version(self._workspace)
        answering = self._answering()
        return VersionsAnswer(
            versions=[self._version(name, now, staged, answering) for name in shown],
            next=shown[-1] if len(names) > len(shown) else None,
            earlier=self._earlier(),
        )

    def _answering(self) -> IndexManifest | None:
        """None also where the published one cannot be read: its own row says why, the others are shown."""
        try:
            return published_manifest(self._workspace)
        except RecsysError:
            return None

    def _version(
        self, name: str, now: str | None, staged: str | None, answering: IndexManifest | None
    ) -> VersionBody:
        made: MadeBody | None = None
        found: tuple[str, ...] = ()
        broken: str | None = None
        try:
            manifest = load_manifest(self._workspace, name)
            made, found = _made(manifest), gate(manifest, answering, GateConfig())
        except RecsysError as error:
            broken = str(error)
        return VersionBody(
            index_version=name,
            published=name == now,
            staged=name == staged,
            refused=list(refusal(self._workspace, name)),
            against=list(found),
            broken=broken,
            has_map=has_map(self._workspace, name),
            made=made,
        )

    def _earlier(self) -> str | None:
        try:
            return earlier_version(self._workspace)
        except IndexMissingError:
            return None

    def _publish(self, name: str, force: bool, actor: str) -> ReleaseAnswer:
        if name not in list_versions(self._workspace):
            raise NotFoundError("there is no such index version", found=name)
        before = published(self._workspace)
        publish_judged(self._workspace, self._board, load_manifest(self._workspace, name), force=force)
        self._note("publish", {"index_version": name, "instead_of": before, "forced": force}, actor)
        return ReleaseAnswer(index_version=name, instead_of=before)

    def _roll_back(self, name: str, actor: str) -> ReleaseAnswer:
        now = published(self._workspace)
        if now != name:
            raise ConflictError("another version is published", expected=name, found=str(now))
        if self._earlier() is None:
            raise ConflictError("there is no earlier version to go back to", found=name)
        earlier = rollback_confirmed(self._workspace, self._board)
        self._note("rollback", {"index_version": earlier, "instead_of": name}, actor)
        return ReleaseAnswer(index_version=earlier, instead_of=name)

    def _note(self, action: str, body: Mapping[str, Any], actor: str) -> None:
        self._controls.put(*AUDITED, body, actor, action=action)


def _made(manifest: IndexManifest) -> MadeBody:
    return MadeBody(
        created_at=manifest.created_at.isoformat(),
        item_count=manifest.item_count,
        num_shards=manifest.num_shards,
        dim=manifest.dim,
        encoder_version=manifest.encoder_version,
        parent_version=manifest.parent_version,
        data_cutoff=manifest.data_cutoff.isoformat() if manifest.data_cutoff else None,
        learned=manifest.blend is not None,
        storage=manifest.storage.value,
        megabytes=sum(file.bytes for file in manifest.files) / 1e6,
        signals=[SignalBody(name=one.name, width=one.width, weight=one.weight) for one in manifest.signals],
        metrics={name: value if math.isfinite(value) else None for name, value in manifest.metrics.items()},
    )
