"""What the routes call: lists, writes and views over one shop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cluster.replica_board import VersionCounts
from recsys.config import Placement, ServeConfig
from recsys.errors import EncoderError, InputError, NotFoundError, RecsysError, StoreError
from recsys.history import user_key
from recsys.index import list_versions
from recsys.payloads import EmbedAnswer, IndexAnswer, InterestBody, ListAnswer, ProfileAnswer, Shopper
from recsys.privacy.names import PLAIN, Names
from recsys.profile import Interest
from recsys.workspace import Workspace
from serve_app.answer_journal import AnswerJournal
from serve_app.controls import ControlWatch
from serve_app.decisions import Decisions
from serve_app.encoder_service import RemoteEncoder
from serve_app.evidence import Evidence
from serve_app.fallback_shelf import FallbackShelf
from serve_app.habit_board import HabitBoard
from serve_app.index_watch import IndexWatch
from serve_app.key_watch import KeyWatch
from serve_app.log_health import LogHealth
from serve_app.loop_desk import LoopDesk
from serve_app.loop_health import LoopHealth
from serve_app.metrics import Metrics
from serve_app.popularity_board import PopularityBoard
from serve_app.privacy_desk import PrivacyDesk
from serve_app.profiles import ProfileReader
from serve_app.recommender import Recommender
from serve_app.replica_report import ReplicaReport
from serve_app.screening_board import ScreeningBoard
from serve_app.typical_shoppers import TypicalShoppers
from serve_app.usage_watch import UsageWatch
from serve_app.work_threads import make_room_for_stores
from serve_app.writes import Writes

log = logging.getLogger(__name__)
BROKEN = frozenset({"shard_down", "timeout", "stale_index", "no_encoder"})
"""What a version may be to blame for; that a new shopper is not known is not among it."""


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
    habits: HabitBoard
    controls: ControlWatch
    decisions: Decisions
    loop: LoopDesk
    evidence: Evidence
    journal: AnswerJournal
    report: ReplicaReport
    screened: ScreeningBoard
    privacy: PrivacyDesk
    usage: UsageWatch
    """What callers' keys were used for; idle where there are none."""
    shelf: FallbackShelf | None = None
    """None where the shards are in this process."""
    keys: KeyWatch | None = None
    """None: whoever reaches the service may call everything."""
    shoppers: TypicalShoppers | None = None
    """Whom the store page offers; None: there is no store page."""
    names: Names = PLAIN
    log_health: LogHealth | None = None
    """None: nobody asks for the log's faults."""
    loop_health: LoopHealth | None = None
    """None: nobody asks how the loop fares."""
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False)

    async def start(self) -> None:
        """Load the published version, check that queries are encoded like its items, follow both."""
        make_room_for_stores()
        await self.watch.load()
        await self._require_same_encoder()
        await self._at_first(self.screened, self.popularity)
        if self.shelf is not None:
            await self.shelf.refresh()
        await self.controls.refresh()
        await self.report.send()
        if self.keys is not None:
            await self.keys.refresh()
            await self.usage.begin()
        self.metrics.before_reading.append(self._observe_index)
        learned = (self.watch, self.screened, self.popularity, self.habits)
        health = (self.log_health, self.loop_health)
        access = () if self.keys is None else (self.keys, self.usage)
        work = (*learned, self.controls, self.journal, self.report, *access, self.shelf, *health)
        self._tasks = [asyncio.create_task(one.run()) for one in work if one is not None]

    async def _at_first(self, *boards: ScreeningBoard | PopularityBoard) -> None:
        """An event log that cannot be read whole costs what is learned from it, not the service."""
        for board in boards:
            try:
                await board.refresh()
            except StoreError as error:
                log.error("%s begins with nothing: %s", type(board).__name__, error)

    async def stop(self) -> None:
        """End the background work."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(RecsysError):
            await self.journal.flush()
        if self.keys is not None:
            with contextlib.suppress(RecsysError):
                await self.usage.leave()
        await self.report.leave()

    @property
    def ready(self) -> bool:
        """Whether lists can be answered."""
        return self.watch.ready

    async def counted(self, listing: Awaitable[ListAnswer], *, filtered: bool = False) -> ListAnswer:
        """The answer, seen by the metrics and counted to its version."""
        try:
            answer = await listing
        except InputError:
            raise
        except BaseException:
            self.report.failed()
            raise
        self.metrics.coverage.set(answer.coverage.ratio)
        for reason in answer.degraded:
            self.metrics.degraded.labels(reason).inc()
        empty = not answer.items and not filtered
        broken = bool(BROKEN & set(answer.degraded))
        self.report.count(answer.index_version, VersionCounts(1, empty=int(empty), degraded=int(broken)))
        return answer

    async def seen(self, shopper: Shopper) -> frozenset[str]:
        """Items that a shopper has acted on."""
        return (await self.lists.page(shopper)).profile.seen

    async def embed(self, texts: Sequence[str]) -> EmbedAnswer:
        """Unit vectors of texts; raises `EncoderError` when the encoder does not answer."""
        vectors = await self.encoder.encode(texts)
        return EmbedAnswer(
            embeddings=[row.tolist() for row in vectors],
            dim=vectors.shape[1],
            encoder_version=self.watch.view.manifest.encoder_version,
        )

    async def profile(self, user_id: str, kind: Literal["user", "visitor"]) -> ProfileAnswer:
        """What is believed about a shopper; raises `NotFoundError` for one without events."""
        name = self.names.of(kind, user_id)
        key = user_key(name, None) if kind == "user" else user_key(None, name)
        profile = await self.profiles.profile(key, time.time_ns() // 1_000)
        if profile.num_events == 0:
            raise NotFoundError(f"nothing is known about this {kind}")
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

    def _observe_index(self) -> None:
        """The version that answers and the changes beside it, as the metrics tell them."""
        self.metrics.refused.set(len(self.watch.refused))
        if not self.ready:
            return
        view = self.watch.view
        self.metrics.index_age.set(time.time() - view.manifest.created_at.timestamp())
        self.metrics.live_items.set(view.live.num_items)
        self.metrics.live_removed.set(view.live.num_removed)
        self.metrics.live_complete.set(view.live.complete)

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
