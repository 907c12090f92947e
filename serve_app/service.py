"""What the routes call: lists, writes and views over one shop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from recsys.config import Placement, ServeConfig
from recsys.errors import EncoderError, NotFoundError
from recsys.history import user_key
from recsys.index import list_versions
from recsys.profile import Interest
from recsys.workspace import Workspace
from serve_app.encoder_service import RemoteEncoder
from serve_app.index_watch import IndexWatch
from serve_app.metrics import Metrics
from serve_app.payloads import IndexAnswer, InterestBody, ListAnswer, ProfileAnswer
from serve_app.popularity_board import PopularityBoard
from serve_app.profiles import ProfileReader
from serve_app.recommender import Recommender
from serve_app.writes import Writes


@dataclass
class ShopService:
    """One shop's service inside one ingress replica."""

    config: ServeConfig
    placement: Placement
    workspace: Workspace
    watch: IndexWatch
    encoder: RemoteEncoder
    profiles: ProfileReader
    popularity: PopularityBoard
    lists: Recommender
    writes: Writes
    metrics: Metrics
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False)

    async def start(self) -> None:
        """Load the published version, check that queries are encoded like its items, follow both."""
        await self.watch.load()
        await self._require_same_encoder()
        await self.popularity.refresh()
        self._tasks = [asyncio.create_task(self.watch.run()), asyncio.create_task(self.popularity.run())]

    async def stop(self) -> None:
        """End the background work."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @property
    def ready(self) -> bool:
        """Whether lists can be answered."""
        return self.watch.ready

    def counted(self, answer: ListAnswer) -> ListAnswer:
        """The same answer, seen by the metrics."""
        self.metrics.coverage.set(answer.coverage.ratio)
        for reason in answer.degraded:
            self.metrics.degraded.labels(reason).inc()
        return answer

    async def profile(self, user_id: str, kind: Literal["user", "visitor"]) -> ProfileAnswer:
        """What is believed about a shopper; raises `NotFoundError` for one without events."""
        key = user_key(user_id, None) if kind == "user" else user_key(None, user_id)
        profile = await self.profiles.profile(key, time.time_ns() // 1_000)
        if profile.num_events == 0:
            raise NotFoundError(f"nothing is known about this {kind}", found=user_id)
        view = self.watch.view
        known = await view.items([interest.item_id for interest in profile.interests])
        return ProfileAnswer(
            user_id=user_id,
            kind=kind,
            num_events=profile.num_events,
            interests=[_interest_body(interest, known) for interest in profile.interests],
            index_version=view.manifest.index_version,
        )

    async def index(self) -> IndexAnswer:
        """The index version that answers now."""
        view = self.watch.view
        manifest = view.manifest
        return IndexAnswer(
            index_version=manifest.index_version,
            encoder_version=manifest.encoder_version,
            text_template_version=manifest.text_template_version,
            dim=manifest.dim,
            metric=manifest.metric.value,
            num_shards=manifest.num_shards,
            item_count=manifest.item_count,
            catalog_seq=manifest.catalog_seq,
            live_items=view.live.num_items,
            live_removed=view.live.num_removed,
            placement=self.placement.value,
            versions=list(await asyncio.to_thread(list_versions, self.workspace)),
        )

    async def _require_same_encoder(self) -> None:
        served, indexed = await self.encoder.version(), self.watch.view.manifest.encoder_version
        if served != indexed:
            raise EncoderError(
                "queries would be encoded in another space than the items", expected=indexed, found=served
            )


def _interest_body(interest: Interest, known: dict[str, dict[str, Any]]) -> InterestBody:
    return InterestBody(
        item_id=interest.item_id,
        title=known.get(interest.item_id, {}).get("title"),
        weight=interest.weight,
        event_types=list(interest.event_types),
        last_at=datetime.fromtimestamp(interest.last_at_us / 1e6, UTC).isoformat(),
    )
