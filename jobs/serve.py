"""Run the service in the foreground until it is told to stop."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from pydantic import TypeAdapter, ValidationError

from cluster.loop_actor import start_actor
from cluster.runtime import connect
from jobs.privacy_commands import eraser_of
from recsys.config import RuntimeConfig, Scenario, ServeConfig
from recsys.errors import ConfigError
from recsys.feedback import LoopConfig
from serve_app import app

STOP_TIMEOUT_S = 10.0
SCENARIOS = TypeAdapter(dict[str, Scenario])


@contextmanager
def running_service(
    runtime: RuntimeConfig,
    config: ServeConfig,
    dashboard: bool = False,
    feedback: LoopConfig | None = None,
) -> Iterator[str]:
    """The service, up and answering; yields its base URL and takes everything down at the end.

    With `feedback` the loop turns beside it.
    """
    if not runtime.address:  # a cluster's proxies listen elsewhere, or here for a service that is taken over
        _require_free_port(config)
    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # its start-up lines are not for this terminal
    if (eraser := eraser_of(runtime)).unapplied():  # a backup was put back: nobody comes back with it
        eraser.replay()
    with connect(runtime, dashboard=dashboard):
        try:
            url = app.start(runtime, config)
            actor = start_actor(runtime, feedback) if feedback else None
            yield url
            if actor is not None:
                ray.get(actor.stop.remote(), timeout=STOP_TIMEOUT_S)
        finally:
            app.stop()


def read_scenarios(path: Path) -> dict[str, Scenario]:
    """Scenarios of a JSON file; raises `ConfigError` for what is no scenario."""
    try:
        return SCENARIOS.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or str(path.name)
        raise ConfigError("a scenario is refused", expected=first["msg"], where=where) from error


def wait_for_stop() -> None:
    """Return on Ctrl-C or a termination signal."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    while not stopped.wait(timeout=1.0):
        pass


def _require_free_port(config: ServeConfig) -> None:
    with socket.socket(socket.AF_INET6 if ":" in config.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise ConfigError(
                "the service cannot listen",
                expected="a free port (see --port)",
                found=str(error),
                where=f"{config.host}:{config.port}",
            ) from error
