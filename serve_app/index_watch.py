"""Keeps the view that new requests start on: follows CURRENT and the live catalog changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from cluster.item_store import ItemStore
from recsys.blend.whitening import Whitening
from recsys.config import ServeConfig
from recsys.errors import IndexMissingError, RecsysError
from recsys.index import IndexManifest, current_version, load_manifest
from recsys.index.files import open_whitening
from recsys.workspace import Workspace
from serve_app.breaker import CircuitBreaker
from serve_app.index_view import IndexView
from serve_app.live_segment import LiveItems, LiveSegment, TextEncoderClient
from serve_app.retriever import Retriever
from serve_app.shard_clients import ShardClient

log = logging.getLogger(__name__)


class IndexWatch:
    """The current `IndexView`, replaced whole when a version is published or an item changes.

    A newly published version is loaded by all shards beside the old one; only when every shard
    has confirmed does the view flip. A version that a shard refuses is logged and not used, and
    the old one keeps answering.
    """

    def __init__(
        self,
        workspace: Workspace,
        shards: Sequence[ShardClient],
        store: ItemStore,
        encoder: TextEncoderClient,
        config: ServeConfig,
    ) -> None:
        self._workspace, self._shards, self._store = workspace, shards, store
        self._encoder, self._config = encoder, config
        self._breakers = [CircuitBreaker(config.breaker_failures, config.breaker_open_s) for _ in shards]
        self._view: IndexView | None = None
        self._live: LiveSegment | None = None
        self._refused = ""

    @property
    def view(self) -> IndexView:
        """What a request that begins now works on."""
        if self._view is None:
            raise IndexMissingError("no index version is loaded yet", expected="a start that has ended")
        return self._view

    @property
    def ready(self) -> bool:
        """Whether a version is loaded."""
        return self._view is not None

    async def load(self) -> None:
        """Load the published version; raises when there is none or a shard refuses it."""
        await self._load(current_version(self._workspace))

    async def refresh_items(self) -> None:
        """Take in the catalog changes made since the last look."""
        if self._live is not None:
            await self._live.refresh()

    async def run(self) -> None:
        """Refresh for ever, on the configured period; one failed look does not end it."""
        while True:
            await asyncio.sleep(self._config.refresh_s)
            try:
                await self._follow_pointer()
                await self.refresh_items()
            except (RecsysError, RayError, RayServeException, OSError) as error:
                log.warning("index refresh failed: %s", error)

    async def _follow_pointer(self) -> None:
        published = await asyncio.to_thread(current_version, self._workspace)
        if published in (self.view.manifest.index_version, self._refused):
            return
        try:
            await self._load(published)
        except RecsysError as error:
            self._refused = published
            log.error("index version %s is refused: %s", published, error)

    async def _load(self, index_version: str) -> None:
        manifest = await asyncio.to_thread(load_manifest, self._workspace, index_version)
        if manifest.num_shards != len(self._shards):
            raise IndexMissingError(
                f"index version {index_version} does not fit this service; restart it",
                expected=f"{len(self._shards)} shards",
                found=str(manifest.num_shards),
            )
        counts = await asyncio.gather(*(shard.prepare(index_version) for shard in self._shards))
        whitening = await asyncio.to_thread(open_whitening, self._workspace, manifest)
        await self._adopt(manifest, counts, whitening)

    async def _adopt(self, manifest: IndexManifest, shard_items: Sequence[int], whitening: Whitening) -> None:
        retriever = Retriever(self._shards, self._breakers, manifest.index_version, shard_items)
        live = LiveSegment(
            self._store,
            self._encoder,
            manifest.metric,
            manifest.dim,
            manifest.catalog_seq,
            self._config.max_fresh_items,
            whitening,
            retriever.links,
        )
        await live.refresh()

        def show(state: LiveItems) -> None:
            self._view = IndexView(manifest, retriever, state, whitening)

        live.on_change = show
        self._live = live
        show(live.state)
