"""Keeps the view that new requests start on: follows CURRENT and the live catalog changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cluster.confirmed_publish import staged_version
from cluster.item_store import ItemStore
from recsys.blend.whitening import Whitening
from recsys.config import ServeConfig
from recsys.errors import IndexMissingError, RecsysError
from recsys.index import IndexManifest, current_version, load_manifest
from recsys.index.files import open_relations, open_whitening
from recsys.relations import Relations
from recsys.workspace import Workspace
from serve_app.breaker import CircuitBreaker
from serve_app.fallback_shelf import FallbackShelf
from serve_app.index_view import IndexView
from serve_app.lent_links import lender_of
from serve_app.live_segment import LiveItems, LiveSegment, TextEncoderClient
from serve_app.replica_call import unanswered
from serve_app.retriever import Retriever
from serve_app.shard_clients import ShardClient

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """A version that every shard has open and verified."""

    manifest: IndexManifest
    retriever: Retriever
    whitening: Whitening
    relations: Relations


class IndexWatch:
    """The current `IndexView`, replaced whole when a version is published or an item changes.

    A staged version is loaded by all shards beside the published one, which is what publishing waits
    for; when the pointer moves, the view flips. A version that a shard refuses is logged and not used,
    and the old one keeps answering.
    """

    def __init__(
        self,
        workspace: Workspace,
        shards: Sequence[ShardClient],
        store: ItemStore,
        encoder: TextEncoderClient,
        config: ServeConfig,
        shelf: FallbackShelf | None = None,
    ) -> None:
        self._workspace, self._shards, self._store = workspace, shards, store
        self._shelf = shelf
        self._encoder, self._config = encoder, config
        self._breakers = [CircuitBreaker(config.breaker_failures, config.breaker_open_s) for _ in shards]
        self._view: IndexView | None = None
        self._live: LiveSegment | None = None
        self._loaded: dict[str, Loaded] = {}
        self.refused: dict[str, str] = {}
        """Versions that could not be loaded, with the reason."""

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

    @property
    def prepared(self) -> tuple[str, ...]:
        """Versions that requests could use at once."""
        return tuple(self._loaded)

    async def load(self) -> None:
        """Load the published version; raises when there is none or a shard refuses it."""
        await self._adopt(await self._load(current_version(self._workspace)))

    async def refresh_items(self) -> None:
        """Take in the catalog changes made since the last look."""
        if self._live is not None:
            await self._live.refresh()

    async def run(self) -> None:
        """Refresh for ever, on the configured period; one failed look does not end it."""
        while True:
            await asyncio.sleep(self._config.refresh_s)
            try:
                await self._follow_pointers()
                await self.refresh_items()
            except (RecsysError, *unanswered(), OSError) as error:
                log.warning("index refresh failed: %s", error)

    async def _follow_pointers(self) -> None:
        """Load what is staged beside what answers; answer with what is published."""
        staged, published = await asyncio.to_thread(self._pointers)
        if staged is not None:
            await self._prepare(staged)
        if published == self.view.manifest.index_version:
            return
        if (loaded := await self._prepare(published)) is not None:
            await self._adopt(loaded)

    def _pointers(self) -> tuple[str | None, str]:
        return staged_version(self._workspace), current_version(self._workspace)

    async def _prepare(self, index_version: str) -> Loaded | None:
        """The version, loaded; None where it was refused now or before."""
        if index_version in self.refused:
            return None
        try:
            return await self._load(index_version)
        except RecsysError as error:
            self.refused[index_version] = str(error)
            log.error("index version %s is refused: %s", index_version, error)
            return None

    async def _load(self, index_version: str) -> Loaded:
        if (known := self._loaded.get(index_version)) is not None:
            return known
        manifest = await asyncio.to_thread(load_manifest, self._workspace, index_version)
        self._require_fit(manifest)
        if self._view is not None:  # what answers now must not be what makes room
            await self._prepare_shards(self.view.manifest.index_version)
        counts = await self._prepare_shards(index_version)
        whitening = await asyncio.to_thread(open_whitening, self._workspace, manifest)
        relations = await asyncio.to_thread(open_relations, self._workspace, manifest)
        retriever = Retriever(self._shards, self._breakers, index_version, counts)
        loaded = Loaded(manifest, retriever, whitening, relations)
        # As shards do: beside the new version only the one that answers stays open.
        answering = self._view.manifest.index_version if self._view else ""
        kept = {name: known for name, known in self._loaded.items() if name == answering}
        self._loaded = {**kept, index_version: loaded}
        return loaded

    def _require_fit(self, manifest: IndexManifest) -> None:
        """Raise `IndexMissingError` for a version that only a service started anew can answer from."""
        wanted, found = f"{len(self._shards)} shards", f"{manifest.num_shards} shards"
        if self._view is not None and wanted == found:  # texts would be points of another space
            wanted, found = _space(self._view.manifest, manifest), _space(manifest, self._view.manifest)
        if wanted != found:
            raise IndexMissingError(
                f"index version {manifest.index_version} does not fit this service; restart it",
                expected=wanted,
                found=found,
            )

    async def _prepare_shards(self, index_version: str) -> list[int]:
        return list(await asyncio.gather(*(shard.prepare(index_version) for shard in self._shards)))

    async def _adopt(self, loaded: Loaded) -> None:
        manifest = loaded.manifest
        live = LiveSegment(
            self._store,
            self._encoder,
            manifest.metric,
            manifest.dim,
            manifest.catalog_seq,
            self._config.max_fresh_items,
            loaded.whitening,
            loaded.retriever.links,
            loaded.retriever.vectors,
            lender_of(loaded.retriever),
        )
        await live.refresh()

        def show(state: LiveItems) -> None:
            self._view = IndexView(
                manifest, loaded.retriever, state, loaded.whitening, self._shelf, loaded.relations
            )

        live.on_change = show
        self._live = live
        show(live.state)


def _space(manifest: IndexManifest, beside: IndexManifest) -> str:
    """Encoder and width; a catalog without items has vectors of no width, which fits any."""
    width = "" if 0 in (manifest.dim, beside.dim) else f", {manifest.text_dim} wide"
    return f"encoder {manifest.encoder_version}{width}"
