"""A small shop, embedded with a tiny encoder and indexed, and the service over it in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cluster.answer_store import AnswerStore
from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.event_writer import EventWriter
from cluster.indexing import build_index
from cluster.item_store import ItemStore
from cluster.key_store import KeyStore
from cluster.key_usage import UsageStore
from cluster.loop_store import LoopStore
from cluster.profile_store import ProfilePartition
from cluster.replica_board import ReplicaBoard
from cluster.serving_database import open_serving_database
from jobs.bench.service import free_port
from recsys.access import Scope
from recsys.config import EncoderConfig, IndexConfig, Metric, Placement, ServeConfig
from recsys.encoder import TextEncoder
from recsys.encoder_record import save_encoder_config
from recsys.index import publish
from recsys.privacy.secret import names_of
from recsys.schemas import text_embeddings
from recsys.shop import Shop, make_shop
from recsys.text import item_texts
from recsys.workspace import Workspace
from serve_app.answer_journal import AnswerJournal
from serve_app.api import create_api
from serve_app.breaker import CircuitBreaker
from serve_app.controls import ControlWatch
from serve_app.decisions import Decisions
from serve_app.evidence import Evidence
from serve_app.habit_board import HabitBoard
from serve_app.http_door import HttpDoor
from serve_app.index_watch import IndexWatch
from serve_app.key_watch import KeyWatch
from serve_app.log_health import LogHealth
from serve_app.loop_desk import LoopDesk
from serve_app.loop_health import LoopHealth
from serve_app.metrics import Metrics
from serve_app.popularity_board import PopularityBoard
from serve_app.privacy_desk import PrivacyDesk
from serve_app.profiles import InlineProfiles, ProfileReader
from serve_app.recommender import Recommender
from serve_app.replica_report import ReplicaReport
from serve_app.screening_board import ScreeningBoard
from serve_app.service import ShopService
from serve_app.shard_clients import InlineShard, ShardVersions
from serve_app.typical_shoppers import TypicalShoppers
from serve_app.usage_watch import UsageWatch
from serve_app.writes import Writes
from tests.asgi import TurnTransport

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class LocalEncoder:
    """The encoder in this process, behind the client's interface."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    async def encode(self, texts: Sequence[str]) -> np.ndarray:
        return await asyncio.to_thread(self._encoder.encode, list(texts))

    async def version(self) -> str:
        return self._encoder.version


@dataclass(frozen=True)
class SmallShop:
    """A workspace on disk with everything in it."""

    workspace: Workspace
    encoder: TextEncoder
    shop: Shop

    @property
    def items(self) -> ItemStore:
        return ItemStore(open_database(self.workspace.database_url))

    @property
    def controls(self) -> ControlStore:
        return ControlStore(open_database(self.workspace.database_url))

    @property
    def events(self) -> EventStore:
        return EventStore(open_database(self.workspace.database_url))

    def embed(self) -> None:
        """Embed what the catalog holds now, without Ray."""
        for number, table in enumerate(self.items.scan()):
            texts = item_texts(table).group_by("text_hash").aggregate([("text", "min")])
            vectors = self.encoder.encode(texts.column("text_min").to_pylist())
            unit = pa.table(
                {
                    "text_hash": texts.column("text_hash"),
                    "embedding": pa.FixedSizeListArray.from_arrays(
                        pa.array(vectors.ravel()), self.encoder.dim
                    ),
                    "encoder_version": [self.encoder.version] * texts.num_rows,
                },
                schema=text_embeddings(self.encoder.dim),
            )
            folder = self.workspace.embeddings(self.encoder.version)
            folder.mkdir(parents=True, exist_ok=True)
            seq = self.items.last_seq()
            pq.write_table(unit, folder / f"unit-{seq:08d}-{number:05d}.parquet")

    def index(self, num_shards: int = 2, metric: Metric = Metric.COSINE) -> str:
        """Build and publish; the version's name."""
        self.embed()
        config = IndexConfig(num_shards=num_shards, metric=metric)
        version = build_index(self.workspace, self.items, self.encoder.version, config).index_version
        publish(self.workspace, version)
        return version


def make_small_shop(root: Path, encoder: Path, shop: Shop | None, num_shards: int = 2) -> SmallShop:
    """A workspace with `shop` imported, embedded and published; empty without one."""
    config = EncoderConfig(source=str(encoder), max_tokens=64)
    shop = shop or make_shop(num_items=200, num_shoppers=50, now=NOW)
    small = SmallShop(Workspace(root).create(), TextEncoder.load(config), shop)
    save_encoder_config(small.workspace, small.encoder.version, config)
    small.items.upsert(shop.items)
    small.events.append(shop.events)
    small.index(num_shards)
    return small


@pytest.fixture
def small_shop(tmp_path: Path, tiny_bert: Path) -> SmallShop:
    """200 items, 50 shoppers, 2 shards."""
    return make_small_shop(tmp_path, tiny_bert, None)


def assemble_inline(
    small: SmallShop, config: ServeConfig, profiles: ProfileReader | None = None
) -> ShopService:
    """The service with every part in this process."""
    encoder: Any = LocalEncoder(small.encoder)
    events, metrics = small.events, Metrics()
    shards = [InlineShard(ShardVersions(small.workspace, number)) for number in range(2)]
    watch = IndexWatch(small.workspace, shards, small.items, encoder, config)
    partition, breaker = ProfilePartition(events, config.profile), CircuitBreaker(3, 1.0)
    profiles = profiles or InlineProfiles(partition, config.profile_timeout_s, breaker)
    screened = ScreeningBoard(events)
    board = PopularityBoard(events, config, screened)
    serving = open_serving_database(f"sqlite:///{small.workspace.serving_database}")
    answers, habits = AnswerStore(serving), HabitBoard(events, screened)
    journal = AnswerJournal(answers, metrics)
    store = small.controls
    controls = ControlWatch(store, config.scenarios, config.refresh_s)
    engine = open_database(small.workspace.database_url)
    names, loop = names_of(small.workspace), LoopStore(engine)
    lists = Recommender(watch, controls, profiles, encoder, board, habits, journal, config, names)
    return ShopService(
        config=config,
        placement=Placement.INLINE,
        workspace=small.workspace,
        watch=watch,
        encoder=encoder,
        profiles=profiles,
        popularity=board,
        lists=lists,
        writes=Writes(config, watch, small.items, EventWriter(events), metrics, names),
        metrics=metrics,
        habits=habits,
        controls=controls,
        decisions=Decisions(store, controls, lists),
        evidence=Evidence(answers, events, small.items, controls),
        loop=LoopDesk(loop, small.workspace),
        journal=journal,
        report=ReplicaReport(ReplicaBoard(serving), watch),
        screened=screened,
        usage=UsageWatch(UsageStore(engine), usage_beside(small.workspace), config.refresh_s),
        privacy=PrivacyDesk(small.workspace, engine, serving, config.profile, names),
        shoppers=TypicalShoppers(events, profiles, watch, screened, names) if config.store else None,
        names=names,
        log_health=LogHealth(engine, events, metrics),
        loop_health=LoopHealth(loop, metrics),
    )


def usage_beside(workspace: Workspace) -> Path:
    """Where a test's service counts the use of keys: it goes with the test's folder."""
    return workspace.root.with_name(f"{workspace.root.name}-usage")


async def refuse_server_errors(answer: httpx.Response) -> None:
    """Raise for what nobody foresaw."""
    assert answer.status_code != httpx.codes.INTERNAL_SERVER_ERROR, answer.request.url


@asynccontextmanager
async def client_of(service: ShopService) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client straight into the application; a server error is raised, not answered."""
    await service.start()
    transport = TurnTransport(app=create_api(service), raise_app_exceptions=True)
    hooks = {"response": [refuse_server_errors]}
    async with httpx.AsyncClient(transport=transport, base_url="http://shop", event_hooks=hooks) as client:
        yield client
    await service.stop()


@dataclass(frozen=True)
class RunningShop:
    """The small shop behind a socket and keys, in a thread of this process: no Ray."""

    small: SmallShop
    url: str
    key: str
    """Opens everything."""
    store: KeyStore


@pytest.fixture(scope="session")
def running_shop(tmp_path_factory: pytest.TempPathFactory, tiny_bert: Path) -> Iterator[RunningShop]:
    """One service for all tests that talk to one over HTTP and do not mind each other's events."""
    small = make_small_shop(tmp_path_factory.mktemp("running"), tiny_bert, None)
    config = ServeConfig(port=free_port(), shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)
    service, store = assemble_inline(small, config), KeyStore(open_database(small.workspace.database_url))
    service.keys = KeyWatch(store, 0.05)
    key = store.create("tester", list(Scope)).text
    door = HttpDoor(create_api(service), service.start, config, tmp_path_factory.mktemp("doors"))
    yield RunningShop(small, f"http://{config.host}:{config.port}", key, store)
    door.close()


@pytest.fixture
def config() -> ServeConfig:
    """Generous deadlines: these tests are about answers, not about time."""
    return ServeConfig(shard_timeout_s=30, profile_timeout_s=30, encode_timeout_s=30)


@pytest.fixture
def service(small_shop: SmallShop, config: ServeConfig) -> ShopService:
    """The service over the small shop, not started yet."""
    return assemble_inline(small_shop, config)
