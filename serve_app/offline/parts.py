"""What makes lists, put together in this process over a workspace that it only reads."""

from __future__ import annotations

from dataclasses import dataclass, field

from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.profile_store import EventReader, ProfilePartition
from recsys.answer_record import AnswerRecord
from recsys.config import ServeConfig
from recsys.index import current_version, load_manifest
from recsys.privacy.names import Names
from recsys.privacy.secret import names_of
from recsys.robustness.settings import load_robustness
from recsys.workspace import Workspace
from serve_app.breaker import CircuitBreaker
from serve_app.controls import ControlWatch
from serve_app.habit_board import HabitBoard
from serve_app.index_watch import IndexWatch
from serve_app.offline.local_encoder import LocalEncoder
from serve_app.popularity_board import PopularityBoard
from serve_app.profiles import InlineProfiles
from serve_app.recommender import Recommender
from serve_app.screening_board import ScreeningBoard
from serve_app.shard_clients import InlineShard, ShardVersions


class NoJournal:
    """Nobody is shown these lists, so they are no answers to be learned from."""

    def add(self, answer: AnswerRecord) -> None:
        """Keep nothing."""


@dataclass(frozen=True)
class Parts:
    """One state of a shop: the published version, live items, decisions, what was learned from the log."""

    workspace: Workspace
    config: ServeConfig
    names: Names
    events: EventStore
    encoder: LocalEncoder
    watch: IndexWatch
    controls: ControlWatch
    popularity: PopularityBoard
    habits: HabitBoard
    journal: NoJournal = field(default_factory=NoJournal)

    def recommender(self, reader: EventReader, config: ServeConfig | None = None) -> Recommender:
        """What answers, with profiles from the log or from somewhere else."""
        config = config or self.config
        return Recommender(
            self.watch,
            self.controls,
            InlineProfiles(
                ProfilePartition(reader, config.profile),
                config.profile_timeout_s,
                CircuitBreaker(config.breaker_failures, config.breaker_open_s),
            ),
            self.encoder,
            self.popularity,
            self.habits,
            self.journal,
            config,
            self.names,
        )


async def opened(workspace: Workspace, database_url: str, config: ServeConfig) -> Parts:
    """Load everything; raises `IndexMissingError`, `IndexCorruptError` or `StoreError`."""
    manifest = load_manifest(workspace, current_version(workspace))
    engine = open_database(database_url)
    events, encoder = EventStore(engine), LocalEncoder(workspace)
    screened = ScreeningBoard(events, load_robustness(workspace))
    shards = [
        InlineShard(ShardVersions(workspace, number), config.shard_timeout_s)
        for number in range(manifest.num_shards)
    ]
    parts = Parts(
        workspace,
        config,
        names_of(workspace),
        events,
        encoder,
        IndexWatch(workspace, shards, ItemStore(engine), encoder, config),
        ControlWatch(ControlStore(engine), config.scenarios, config.refresh_s),
        PopularityBoard(events, config, screened),
        HabitBoard(events, screened),
    )
    # Who is left out is known before anything is learned from the others.
    for board in (screened, parts.popularity, parts.habits, parts.controls):
        await board.refresh()
    await parts.watch.load()
    return parts
