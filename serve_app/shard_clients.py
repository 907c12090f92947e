"""Two ways to reach a shard with the same answers: in this process, or behind a Serve handle."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from recsys.filters import Filter
from recsys.index import load_manifest
from recsys.retrieval import Candidates, Details, ItemLinks, Query, ShardIndex
from recsys.workspace import Workspace
from serve_app.replica_call import answered
from serve_app.telemetry import carried
from serve_app.work_threads import on_thread, scan_threads

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

T = TypeVar("T")
KEPT_VERSIONS = 2
"""A request that began on the old version may still need it while the new one takes over."""


class ShardVersions:
    """One shard in the versions that requests name, opened and verified on first use."""

    def __init__(self, workspace: Workspace, shard: int) -> None:
        self._workspace, self._shard = workspace, shard
        self._open: dict[str, ShardIndex] = {}
        self._loading = Lock()

    def opened(self, index_version: str) -> ShardIndex | None:
        """The shard of one version where it is open."""
        return self._open.get(index_version)

    def get(self, index_version: str) -> ShardIndex:
        """The shard of one version; raises `IndexMissingError` or `IndexCorruptError`."""
        if (found := self.opened(index_version)) is not None:
            return found  # without the lock: loading the next version must not hold up this one
        with self._loading:
            if index_version not in self._open:
                manifest = load_manifest(self._workspace, index_version)
                loaded = ShardIndex.open(self._workspace, manifest, self._shard)
                kept = list(self._open.items())[1 - KEPT_VERSIONS :]
                self._open = dict([*kept, (index_version, loaded)])
            return self._open[index_version]

    def renew(self, index_version: str) -> None:
        """Make an open version the last one that will be forgotten."""
        with self._loading:
            if (found := self._open.get(index_version)) is not None:
                others = {name: shard for name, shard in self._open.items() if name != index_version}
                self._open = {**others, index_version: found}


class ShardClient(Protocol):
    """What the retriever asks of a shard; every call names the version it wants.

    A call that is late raises `TimeoutError`.
    """

    in_process: bool

    async def prepare(self, index_version: str) -> int:
        """Load a version beside the others; the number of its items in this shard.

        Two are kept; the one that was prepared last is forgotten last.
        """

    async def search(
        self, index_version: str, query: Query, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """The shard's best `k` for one query."""

    async def vectors(self, index_version: str, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """Embeddings `[D] float32` of the items this shard has."""

    async def links(self, index_version: str, item_ids: Sequence[str]) -> ItemLinks:
        """Everything that speaks for the items this shard has."""

    async def details(
        self, index_version: str, listed: Sequence[str], named: Sequence[str], sources: Collection[str]
    ) -> Details:
        """What an answer says about the items this shard has."""

    async def items(self, index_version: str, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Fields of the items this shard has."""

    async def matches(self, index_version: str, item_ids: Sequence[str], where: Filter | None) -> set[str]:
        """Those of the ids that are here, available and pass the filter."""

    async def newest(
        self, index_version: str, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """The newest available items of the shard, scored by age."""


class InlineShard:
    """A shard inside this process.

    Long scans run on a thread so that the event loop stays free; a short one is done sooner than a
    thread is woken.
    """

    in_process = True

    def __init__(self, versions: ShardVersions, timeout_s: float | None = None) -> None:
        self._versions, self._timeout_s = versions, timeout_s

    async def prepare(self, index_version: str) -> int:
        """See `ShardClient`."""
        index = await self._shard(index_version)
        await on_thread(scan_threads(), self._versions.renew, index_version)
        await on_thread(scan_threads(), index.warm)
        return index.num_items

    async def search(
        self, index_version: str, query: Query, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """See `ShardClient`."""
        shard = await self._shard(index_version)
        if shard.searches_quickly(where, k):
            return search_one(shard, query, k, exclude, where)
        return await self._in_thread(search_one, shard, query, k, exclude, where)

    async def vectors(self, index_version: str, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """See `ShardClient`."""
        return (await self._shard(index_version)).vectors(item_ids)

    async def links(self, index_version: str, item_ids: Sequence[str]) -> ItemLinks:
        """See `ShardClient`."""
        return await self._in_thread((await self._shard(index_version)).links, item_ids)

    async def details(
        self, index_version: str, listed: Sequence[str], named: Sequence[str], sources: Collection[str]
    ) -> Details:
        """See `ShardClient`."""
        return (await self._shard(index_version)).details(listed, named, sources)

    async def items(self, index_version: str, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """See `ShardClient`."""
        return (await self._shard(index_version)).items(item_ids)

    async def matches(self, index_version: str, item_ids: Sequence[str], where: Filter | None) -> set[str]:
        """See `ShardClient`."""
        return (await self._shard(index_version)).matches(item_ids, where)

    async def newest(
        self, index_version: str, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """See `ShardClient`."""
        shard = await self._shard(index_version)
        return await self._in_thread(partial(shard.newest, k, exclude=exclude, filter=where))

    async def _shard(self, index_version: str) -> ShardIndex:
        """The shard of a version; one that is not open yet is opened in a thread."""
        opened = self._versions.opened(index_version)
        if opened is not None:
            return opened
        return await on_thread(scan_threads(), self._versions.get, index_version)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.wait_for(on_thread(scan_threads(), call, *arguments), self._timeout_s)


class RemoteShard:
    """A shard behind a Serve deployment; a call whose replica died is made again on another."""

    in_process = False

    def __init__(self, handle: DeploymentHandle[Any], timeout_s: float) -> None:
        self._handle, self._timeout_s = handle, timeout_s

    async def prepare(self, index_version: str) -> int:
        """See `ShardClient`."""
        return int(await self._handle.prepare.remote(index_version, carried=carried()))

    async def search(
        self, index_version: str, query: Query, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """See `ShardClient`."""
        found: Candidates = await self._call("search", index_version, query, k, exclude, where)
        return found

    async def vectors(self, index_version: str, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
        """See `ShardClient`."""
        found: dict[str, np.ndarray] = await self._call("vectors", index_version, list(item_ids))
        return found

    async def links(self, index_version: str, item_ids: Sequence[str]) -> ItemLinks:
        """See `ShardClient`."""
        found: ItemLinks = await self._call("links", index_version, list(item_ids))
        return found

    async def details(
        self, index_version: str, listed: Sequence[str], named: Sequence[str], sources: Collection[str]
    ) -> Details:
        """See `ShardClient`."""
        found: Details = await self._call("details", index_version, list(listed), list(named), sources)
        return found

    async def items(self, index_version: str, item_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """See `ShardClient`."""
        found: dict[str, dict[str, Any]] = await self._call("items", index_version, list(item_ids))
        return found

    async def matches(self, index_version: str, item_ids: Sequence[str], where: Filter | None) -> set[str]:
        """See `ShardClient`."""
        found: set[str] = await self._call("matches", index_version, list(item_ids), where)
        return found

    async def newest(
        self, index_version: str, k: int, exclude: frozenset[str], where: Filter | None
    ) -> Candidates:
        """See `ShardClient`."""
        found: Candidates = await self._call("newest", index_version, k, exclude, where)
        return found

    async def _call(self, method: str, *arguments: Any) -> Any:
        call, context = getattr(self._handle, method).remote, carried()
        return await answered(lambda: call(*arguments, carried=context), self._timeout_s)


def search_one(
    shard: ShardIndex, query: Query, k: int, exclude: frozenset[str], where: Filter | None
) -> Candidates:
    """Search one shard for one query."""
    return shard.search([query], k, exclude=[exclude], filter=where)[0]
