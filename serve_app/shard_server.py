"""The Serve deployment of one shard (placement `remote`)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from recsys.filters import Filter
from recsys.index import current_version
from recsys.retrieval import Candidates, Details, ItemLinks, Query
from recsys.workspace import Workspace
from serve_app.shard_clients import InlineShard, ShardVersions
from serve_app.telemetry import Telemetry, continued


class ShardServer:
    """Serves one shard in every version that requests name; starts with the published one."""

    def __init__(self, workspace_root: str, shard: int, telemetry: Telemetry | None = None) -> None:
        if telemetry:
            telemetry.start(f"shard-{shard}")
        workspace = Workspace(Path(workspace_root))
        versions = ShardVersions(workspace, shard)
        versions.get(current_version(workspace))
        self._shard = InlineShard(versions)

    async def process_id(self) -> int:
        """Process that serves this replica."""
        return await asyncio.to_thread(os.getpid)

    @continued("shard.prepare")
    async def prepare(self, index_version: str) -> int:
        """See `ShardClient`; likewise the methods below."""
        return await self._shard.prepare(index_version)

    @continued("shard.search")
    async def search(
        self, index_version: str, query: Query, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """Best `k` of this shard."""
        return await self._shard.search(index_version, query, k, exclude, where)

    @continued("shard.vectors")
    async def vectors(self, index_version: str, item_ids: list[str]) -> dict[str, np.ndarray]:
        """Embeddings by id."""
        return await self._shard.vectors(index_version, item_ids)

    @continued("shard.links")
    async def links(self, index_version: str, item_ids: list[str]) -> ItemLinks:
        """Links by id."""
        return await self._shard.links(index_version, item_ids)

    @continued("shard.details")
    async def details(
        self, index_version: str, listed: list[str], named: list[str], sources: Collection[str]
    ) -> Details:
        """What an answer says about items."""
        return await self._shard.details(index_version, listed, named, sources)

    @continued("shard.items")
    async def items(self, index_version: str, item_ids: list[str]) -> dict[str, dict[str, Any]]:
        """Fields by id."""
        return await self._shard.items(index_version, item_ids)

    @continued("shard.matches")
    async def matches(self, index_version: str, item_ids: list[str], where: Filter | None) -> set[str]:
        """Ids that pass."""
        return await self._shard.matches(index_version, item_ids, where)

    @continued("shard.newest")
    async def newest(
        self, index_version: str, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """Newest items."""
        return await self._shard.newest(index_version, k, exclude, where)
