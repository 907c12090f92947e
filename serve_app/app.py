"""The Serve graph: the only place that binds deployments to each other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, cast

from fastapi import FastAPI
from ray import serve
from ray.serve import Application, Deployment
from ray.serve.config import HTTPOptions
from ray.serve.handle import DeploymentHandle

from cluster.answer_store import AnswerStore
from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.event_writer import EventWriter
from cluster.item_store import ItemStore
from cluster.key_store import KeyStore
from cluster.key_usage import UsageStore
from cluster.loop_store import LoopStore
from cluster.profile_store import ProfilePartition
from cluster.replica_board import ReplicaBoard
from cluster.runtime import ResourceRequest, num_machines, require
from cluster.serving_database import open_serving_database, serving_url
from cluster.tombstone_table import ErasedPeople
from recsys.config import Door, Placement, RuntimeConfig, ServeConfig
from recsys.encoder_record import load_encoder_config
from recsys.errors import ConfigError
from recsys.index import IndexManifest, current_version, load_manifest
from recsys.privacy.secret import names_of
from recsys.robustness import load_robustness
from recsys.workspace import Workspace
from serve_app.answer_journal import AnswerJournal
from serve_app.api import create_api
from serve_app.breaker import CircuitBreaker
from serve_app.controls import ControlWatch
from serve_app.databases import open_databases
from serve_app.decisions import Decisions
from serve_app.encoder_service import EncoderService, RemoteEncoder
from serve_app.event_log import EventClient, EventLog
from serve_app.evidence import Evidence
from serve_app.fallback_shelf import FallbackShelf
from serve_app.habit_board import HabitBoard
from serve_app.http_door import HttpDoor
from serve_app.index_watch import IndexWatch
from serve_app.key_watch import KeyWatch
from serve_app.log_health import LogHealth
from serve_app.loop_desk import LoopDesk
from serve_app.loop_health import LoopHealth
from serve_app.metrics import FOLDER_VARIABLE, Metrics
from serve_app.popularity_board import PopularityBoard
from serve_app.privacy_desk import PrivacyDesk
from serve_app.profiles import InlineProfiles, ProfileReader, ProfileServer, RemoteProfiles
from serve_app.recommender import Recommender
from serve_app.replica_report import ReplicaReport
from serve_app.replicas import Replicas
from serve_app.screening_board import ScreeningBoard
from serve_app.service import ShopService
from serve_app.shard_clients import InlineShard, RemoteShard, ShardClient, ShardVersions
from serve_app.shard_server import ShardServer
from serve_app.shared_folder import forget_counts, shared_folder, usage_folder
from serve_app.telemetry import Telemetry
from serve_app.typical_shoppers import TypicalShoppers
from serve_app.usage_watch import UsageWatch
from serve_app.writes import Writes

APP_NAME = "recsys"
MOST_RECOMMENDERS = 4
HEALTH: dict[str, Any] = {
    "health_check_period_s": 1.0,
    "health_check_timeout_s": 5.0,
    "graceful_shutdown_timeout_s": 5.0,
}
"""Seen on Ray 2.60: at the default period a killed shard was missing for 12 s, at 1 s for 5.5 s."""


QUIET: dict[str, Any] = {"enable_access_log": False}
"""Serve's own lines about each call say less than ours, and a proxy's would hold what the caller sent."""


@dataclass(frozen=True)
class Wiring:
    """Plain values an ingress replica needs beside its handles."""

    workspace: Workspace
    database_url: str
    serving_url: str
    placement: Placement
    num_shards: int
    config: ServeConfig
    telemetry: Telemetry


@serve.ingress()
class Ingress:
    """HTTP in front of the service; the recommender runs in this process to save a hop."""

    def __init__(
        self,
        wiring: Wiring,
        encoder: DeploymentHandle[Any],
        events: DeploymentHandle[Any],
        shards: list[DeploymentHandle[Any]],
        profiles: list[DeploymentHandle[Any]],
    ) -> None:
        wiring.telemetry.start("ingress")
        self._service = assemble(wiring, encoder, events, shards, profiles)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return create_api(self._service, behind_proxy=True)


class DirectIngress:
    """The same service behind an HTTP server of its own."""

    def __init__(
        self,
        wiring: Wiring,
        encoder: DeploymentHandle[Any],
        events: DeploymentHandle[Any],
        shards: list[DeploymentHandle[Any]],
        profiles: list[DeploymentHandle[Any]],
    ) -> None:
        wiring.telemetry.start("ingress")
        service = assemble(wiring, encoder, events, shards, profiles)
        config = wiring.config
        folder = shared_folder(wiring.workspace, config, "doors")
        self._door = HttpDoor(create_api(service), service.start, config, folder)

    async def check_health(self) -> None:
        """Raise when requests are not answered any more; Serve then makes another replica."""
        await self._door.check(HEALTH["health_check_timeout_s"] / 2.0)

    def __del__(self) -> None:
        # Called by Serve when it takes the replica down in good order.
        if hasattr(self, "_door"):
            self._door.close()


def assemble(
    wiring: Wiring,
    encoder: DeploymentHandle[Any],
    events: DeploymentHandle[Any],
    shards: list[DeploymentHandle[Any]],
    profiles: list[DeploymentHandle[Any]],
) -> ShopService:
    """The service over handles (remote) or over objects in this process (inline)."""
    config = wiring.config
    databases = open_databases(wiring.database_url, wiring.serving_url, config.database)
    engine, whole = databases.shop, databases.whole_shop
    items = ItemStore(engine)
    event_store = EventStore(engine, ErasedPeople(engine, wiring.workspace.privacy))
    all_events = EventStore(whole, ErasedPeople(whole, wiring.workspace.privacy))
    text_encoder = RemoteEncoder(encoder, config.encode_timeout_s, _breaker(config))
    reader = _profile_reader(wiring, event_store, profiles)
    screened = ScreeningBoard(all_events, load_robustness(wiring.workspace))
    board, metrics = PopularityBoard(all_events, config, screened), Metrics()
    # Shards in this process do not go without it.
    shelf = FallbackShelf(items, board) if wiring.placement is Placement.REMOTE else None
    watch = IndexWatch(wiring.workspace, _shard_clients(wiring, shards), items, text_encoder, config, shelf)
    serving = databases.serving
    erased = ErasedPeople(serving, wiring.workspace.privacy)
    answers, habits = AnswerStore(serving, erased), HabitBoard(all_events, screened)
    journal = AnswerJournal(answers, metrics, config.answer_days)
    store = ControlStore(engine)
    controls = ControlWatch(store, config.scenarios, config.refresh_s)
    names, loop = names_of(wiring.workspace), LoopStore(engine)
    lists = Recommender(watch, controls, reader, text_encoder, board, habits, journal, config, names)
    client = EventClient(events, EventWriter(event_store), own_timeout_s=config.events_timeout_s)
    return ShopService(
        config=config,
        placement=wiring.placement,
        workspace=wiring.workspace,
        watch=watch,
        encoder=text_encoder,
        profiles=reader,
        popularity=board,
        lists=lists,
        writes=Writes(config, watch, items, client, metrics, names),
        metrics=metrics,
        habits=habits,
        controls=controls,
        decisions=Decisions(store, controls, lists),
        evidence=Evidence(AnswerStore(databases.whole_serving, erased), all_events, items, controls),
        loop=LoopDesk(loop, wiring.workspace),
        journal=journal,
        report=ReplicaReport(ReplicaBoard(serving), watch),
        screened=screened,
        keys=KeyWatch(KeyStore(engine), config.refresh_s) if config.keys else None,
        usage=UsageWatch(
            UsageStore(engine), usage_folder(wiring.workspace, str(engine.url)), config.refresh_s
        ),
        privacy=PrivacyDesk(wiring.workspace, whole, databases.whole_serving, config.profile, names),
        shelf=shelf,
        shoppers=TypicalShoppers(all_events, reader, watch, screened, names) if config.store else None,
        names=names,
        log_health=LogHealth(engine, event_store, metrics),
        loop_health=LoopHealth(loop, metrics),
    )


def _shard_clients(wiring: Wiring, shards: list[DeploymentHandle[Any]]) -> list[ShardClient]:
    if wiring.placement is Placement.REMOTE:
        return [RemoteShard(handle, wiring.config.shard_timeout_s) for handle in shards]
    return [
        InlineShard(ShardVersions(wiring.workspace, number), wiring.config.shard_timeout_s)
        for number in range(wiring.num_shards)
    ]


def _profile_reader(
    wiring: Wiring, events: EventStore, profiles: list[DeploymentHandle[Any]]
) -> ProfileReader:
    config = wiring.config
    if wiring.placement is Placement.REMOTE:
        return RemoteProfiles(profiles, config.profile_timeout_s, lambda: _breaker(config))
    return InlineProfiles(
        ProfilePartition(events, config.profile), config.profile_timeout_s, _breaker(config)
    )


def _breaker(config: ServeConfig) -> CircuitBreaker:
    return CircuitBreaker(config.breaker_failures, config.breaker_open_s)


def choose_placement(config: ServeConfig, manifest: IndexManifest) -> Placement:
    """Inline or remote; `auto` goes by the index's size."""
    if config.placement is not Placement.AUTO:
        return config.placement
    return Placement.INLINE if manifest.item_count <= config.inline_max_items else Placement.REMOTE


def choose_door(runtime: RuntimeConfig, config: ServeConfig) -> Door:
    """Direct or through proxies; `auto` goes by whose Ray it is.

    Raises `ConfigError` for replicas of a cluster, and for a number that follows load, behind one port
    of this machine.
    """
    if config.door is not Door.PROXY and not runtime.address and config.max_recommenders is not None:
        raise ConfigError(
            "requests that replicas take themselves are not seen by what scales them",
            expected="--door proxy with a range of recommenders",
        )
    if config.door is Door.DIRECT and runtime.address:
        raise ConfigError(
            "replicas on a cluster's machines cannot share one port", expected="--door proxy with --address"
        )
    if config.door is not Door.AUTO:
        return config.door
    return Door.PROXY if runtime.address else Door.DIRECT


def with_recommenders(
    runtime: RuntimeConfig, config: ServeConfig, wanted: int | None, most: int | None = None
) -> ServeConfig:
    """`config` with the wanted ingress replicas, up to `most` under load; None: what our own machine can use.

    Replicas are processes, so that each one fills a core; more than a few would crowd out the rest.
    """
    if wanted is None:
        direct = choose_door(runtime, config) is Door.DIRECT
        wanted = min(os.cpu_count() or 1, MOST_RECOMMENDERS) if direct else 1
    return config.model_copy(update={"num_recommenders": wanted, "max_recommenders": most})


def build_application(runtime: RuntimeConfig, config: ServeConfig, machines: int = 1) -> Application:
    """The graph for the published index version; raises `IndexMissingError` when there is none.

    On several `machines` replicas of one deployment lie apart; what there is one of, Serve starts again
    on another machine when its own is lost.
    """
    workspace = Workspace(runtime.workspace)
    manifest = load_manifest(workspace, current_version(workspace))
    placement = choose_placement(config, manifest)
    database_url = runtime.database_url or workspace.database_url
    replica: dict[str, Any] = {
        "ray_actor_options": {"num_cpus": config.cpus_per_replica},
        "max_ongoing_requests": config.max_ongoing_requests,
        "logging_config": QUIET,
        **HEALTH,
    }
    telemetry = Telemetry(config.log, config.log.folder or workspace.logs, config.traces)
    serving = serving_url(workspace, runtime.database_url)
    wiring = Wiring(workspace, database_url, serving, placement, manifest.num_shards, config, telemetry)
    remote = placement is Placement.REMOTE
    of_shard = Replicas(config.shard_replicas, config.max_shard_replicas).options(config, machines)
    of_ingress = Replicas(config.num_recommenders, config.max_recommenders).options(config, machines)
    of_encoder = Replicas(config.num_encoders).options(config, machines)
    shards = [
        _deployment(ShardServer, name=f"shard-{number}", **replica, **of_shard).bind(
            str(workspace.root), number, telemetry
        )
        for number in range(manifest.num_shards if remote else 0)
    ]
    profiles = [
        _deployment(ProfileServer, name=f"profiles-{number}", **replica).bind(
            database_url, config.profile, telemetry, number, config.database
        )
        for number in range(config.num_profile_partitions if remote else 0)
    ]
    direct = choose_door(runtime, config) is Door.DIRECT
    ingress = _deployment(
        DirectIngress if direct else Ingress,
        max_queued_requests=config.max_queued_requests,
        **replica | of_ingress | _sharing(runtime, config, replica["ray_actor_options"]),
    )
    encoder_config = load_encoder_config(workspace, manifest.encoder_version)
    return ingress.bind(
        wiring,
        _deployment(EncoderService, **replica, **of_encoder).bind(encoder_config, telemetry),
        _deployment(EventLog, **replica).bind(
            database_url, str(workspace.privacy), telemetry, config.database
        ),
        shards,
        profiles,
    )


def _sharing(runtime: RuntimeConfig, config: ServeConfig, actor: dict[str, Any]) -> dict[str, Any]:
    """Options of replicas that count requests together, those of each machine: any of them may be asked.

    On a Ray of our own they count from nothing. A cluster's may be serving already, and go on as they are.
    """
    workspace = Workspace(runtime.workspace)
    if not runtime.address:
        forget_counts(workspace, config)
    folder = shared_folder(workspace, config, "metrics")
    return {"ray_actor_options": actor | {"runtime_env": {"env_vars": {FOLDER_VARIABLE: str(folder)}}}}


def _deployment(kind: type[Any], **options: Any) -> Deployment:
    return cast("Deployment", serve.deployment(kind)).options(**options)


def num_replicas(runtime: RuntimeConfig, config: ServeConfig) -> int:
    """Replicas the graph starts with, the HTTP proxy not counted."""
    workspace = Workspace(runtime.workspace)
    manifest = load_manifest(workspace, current_version(workspace))
    if choose_placement(config, manifest) is not Placement.REMOTE:
        return config.num_recommenders + config.num_encoders + 1
    spread = manifest.num_shards * config.shard_replicas + config.num_profile_partitions
    return config.num_recommenders + config.num_encoders + 1 + spread


def start(runtime: RuntimeConfig, config: ServeConfig) -> str:
    """Deploy on the Ray that is connected and wait until it answers; the base URL.

    Raises `CapacityError` when the replicas cannot fit, `IndexMissingError` without an index.
    """
    require(ResourceRequest(num_replicas(runtime, config), config.cpus_per_replica))
    application = build_application(runtime, config, num_machines())
    _bring_up_databases(runtime)
    prefix = ""
    if choose_door(runtime, config) is Door.DIRECT:
        serve.start(proxy_location="Disabled", logging_config=QUIET)
        serve.run(application, name=application_name(config), route_prefix=None)
    else:
        serve.start(http_options=_http_options(config), logging_config=QUIET)
        prefix = f"/{config.tenant}" if config.tenant else ""
        serve.run(application, name=application_name(config), route_prefix=prefix or "/")
    scheme = "https" if config.tls_certificate else "http"
    return f"{scheme}://{config.host}:{config.port}{prefix}"


def application_name(config: ServeConfig) -> str:
    """The Serve application of a shop: its own where one Ray serves several."""
    return f"{APP_NAME}-{config.tenant}" if config.tenant else APP_NAME


def _http_options(config: ServeConfig) -> HTTPOptions:
    options: dict[str, Any] = {"host": config.host, "port": config.port}
    if config.tls_certificate and config.tls_key:
        options |= {"ssl_certfile": str(config.tls_certificate), "ssl_keyfile": str(config.tls_key)}
    return HTTPOptions(**options)


def _bring_up_databases(runtime: RuntimeConfig) -> None:
    """Once, before replicas start: what is wrong with a database is told here and not by each of them."""
    workspace = Workspace(runtime.workspace)
    open_database(runtime.database_url or workspace.database_url).dispose()
    open_serving_database(serving_url(workspace, runtime.database_url)).dispose()


def stop(*shops: tuple[Workspace, ServeConfig]) -> None:
    """Take the services down, with what they counted; the Ray they ran on stays."""
    serve.shutdown()  # type: ignore[no-untyped-call]  # Serve's own signature has no types
    for workspace, config in shops:
        forget_counts(workspace, config)


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only."""
    return host in ("127.0.0.1", "localhost", "::1")


def require_loopback_or_consent(config: ServeConfig, public: bool) -> None:
    """Refuse to bind beyond loopback by accident; raises `ConfigError`."""
    if not is_loopback(config.host) and not public:
        raise ConfigError(
            "the service would be reachable from other machines",
            expected="a loopback host, or --public",
            found=config.host,
        )
