"""Run the service in the foreground until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import ray
from pydantic import TypeAdapter, ValidationError

from cluster.database import open_database
from cluster.key_store import KeyStore
from cluster.loop_actor import start_actor
from cluster.runtime import connect
from jobs.console import err
from jobs.eraser import eraser_of
from jobs.options import database_url_of
from recsys.config import RuntimeConfig, Scenario, ServeConfig, TraceConfig
from recsys.errors import ConfigError
from recsys.feedback import LoopConfig
from recsys.tenancy import Tenant, read_tenants, with_ports
from recsys.workspace import Workspace
from serve_app import app
from serve_app.telemetry.trace_export import require_opentelemetry

STOP_TIMEOUT_S = 10.0
SCENARIOS = TypeAdapter(dict[str, Scenario])


@dataclass(frozen=True)
class Shop:
    """What one shop of a service needs to start."""

    runtime: RuntimeConfig
    config: ServeConfig


def take_down(address: str | None) -> None:
    """End what Serve runs on a cluster; raises `ConfigError` without one, `CapacityError` if none answers."""
    if address is None:
        raise ConfigError(
            "there is no cluster to look at",
            expected="--address HOST:PORT; a service of this machine: Ctrl-C",
        )
    with connect(RuntimeConfig(address=address)):
        stop_services([])


@dataclass
class Running:
    """Services that answer."""

    kept: bool
    """Whether they go on when the command ends, on the cluster that they are on."""
    urls: list[str] = field(default_factory=list)
    """Their base URLs in the order of the shops."""


def shops_of(runtime: RuntimeConfig, config: ServeConfig, tenants: Path | None) -> list[Shop]:
    """One shop, or those of a file of tenants, each with its own workspace, database, port and keys.

    Raises `ConfigError` for tenants that are not apart, or without keys: a port alone parts nobody.
    """
    if tenants is None:
        return [Shop(runtime, config)]
    if not config.keys:
        raise ConfigError("several shops need keys", expected="--keys, the default", found="--no-keys")
    return [_shop_of(tenant, runtime, config) for tenant in with_ports(read_tenants(tenants), config.port)]


def _shop_of(tenant: Tenant, runtime: RuntimeConfig, config: ServeConfig) -> Shop:
    own = {"workspace": tenant.workspace, "database_url": tenant.database_url}
    served = config.model_copy(update={"tenant": tenant.name, "port": tenant.port})
    return Shop(runtime.model_copy(update=own), served)


@contextmanager
def running_service(
    runtime: RuntimeConfig,
    config: ServeConfig,
    dashboard: bool = False,
    feedback: LoopConfig | None = None,
) -> Iterator[str]:
    """One shop's service, up and answering; yields its base URL and takes everything down at the end."""
    with running_services([Shop(runtime, config)], dashboard, feedback) as running:
        yield running.urls[0]


@contextmanager
def running_services(
    shops: Sequence[Shop], dashboard: bool = False, feedback: LoopConfig | None = None
) -> Iterator[Running]:
    """The services of shops on one Ray, up and answering; taken down at the end unless they are kept.

    With `feedback` a loop turns beside each, and ends with the block.
    """
    for shop in shops:
        if not shop.runtime.address:  # a cluster's proxies listen elsewhere, or here for one taken over
            _require_free_port(shop.config)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its start-up lines are not for this terminal
    for shop in shops:
        eraser = eraser_of(shop.runtime)
        eraser.require_secret()
        # A backup may have been put back: nobody who was erased comes back with it.
        if eraser.unapplied():
            eraser.replay()
    with connect(shops[0].runtime, dashboard=dashboard):
        # What a cluster serves already is not taken down by a start that fails beside it.
        running = Running(kept=bool(shops[0].runtime.address))
        try:
            running.urls += [app.start(shop.runtime, shop.config) for shop in shops]
            actors = [start_actor(s.runtime, feedback, s.config.tenant) for s in shops] if feedback else []
            running.kept = False
            yield running
            if actors:
                ray.get([actor.stop.remote() for actor in actors], timeout=STOP_TIMEOUT_S)
        finally:
            if not running.kept:
                stop_services(shops)


def stop_services(shops: Sequence[Shop]) -> None:
    """Take everything down that Serve runs on the Ray that is connected, with what it counted."""
    app.stop(*((Workspace(shop.runtime.workspace), shop.config) for shop in shops))


def read_scenarios(path: Path) -> dict[str, Scenario]:
    """Scenarios of a JSON file; raises `ConfigError` for what is no scenario."""
    try:
        return SCENARIOS.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or str(path.name)
        raise ConfigError("a scenario is refused", expected=first["msg"], where=where) from error


def say_of_keys(shop: Shop) -> None:
    """Tell who may call, where that may surprise."""
    runtime, config = shop.runtime, shop.config
    if not config.keys:
        if not app.is_loopback(config.host):
            err.print("[yellow]whoever reaches this address may call everything[/yellow] (--no-keys)")
        return
    store = KeyStore(open_database(database_url_of(runtime)))
    now_us = time.time_ns() // 1_000
    if not any(key.in_force(now_us) for key in store.all()):
        made = f"recsys keys create NAME --scope SCOPE --workspace {runtime.workspace}"
        err.print(f"callers need a key and there is none in force; make one: {made}", markup=False)


def trace_config(target: str | None, ratio: float) -> TraceConfig:
    """Where traces go; raises `ConfigError` for no such place, and without the packages for it."""
    try:
        config = TraceConfig(target=target, ratio=ratio)
    except ValidationError as error:
        expected = "http(s)://HOST:PORT of an OTLP collector, or file:FOLDER"
        raise ConfigError("traces cannot go there", expected=expected, where="--traces") from error
    if target is not None:
        require_opentelemetry()
    return config


def wait_for_stop() -> signal.Signals:
    """Return on Ctrl-C or a termination signal; which of them it was."""
    stopped, told = threading.Event(), [signal.SIGINT]

    def stop(number: int, _: FrameType | None) -> None:
        told[0] = signal.Signals(number)
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    while not stopped.wait(timeout=1.0):
        pass
    return told[0]


def _require_free_port(config: ServeConfig) -> None:
    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise ConfigError(
                "the service cannot listen",
                expected="a free port (see --port)",
                hint=f"recsys serve --port {config.port + 1}; or stop what listens there",
                found=str(error),
                where=f"{config.host}:{config.port}",
            ) from error
