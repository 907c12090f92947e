"""The feedback loop as an actor beside a service, or as a command."""

from __future__ import annotations

import logging
import threading
from typing import Any

import ray

from cluster.answer_store import AnswerStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.feedback_loop import FeedbackLoop
from cluster.item_store import ItemStore
from cluster.job_runner import JobRunner, ProcessRunner, RayJobRunner, job_environment
from cluster.loop_store import LeaseLostError, LoopStore
from cluster.replica_board import ReplicaBoard
from cluster.retention import Retention
from cluster.serving_database import open_serving_database, serving_url
from cluster.shop_observer import ShopObserver
from recsys.config import RuntimeConfig
from recsys.errors import RecsysError
from recsys.feedback import LoopConfig
from recsys.workspace import Workspace

log = logging.getLogger(__name__)
ACTOR = "recsys-feedback-loop"


def open_loop(runtime: RuntimeConfig, config: LoopConfig, runner: JobRunner | None = None) -> FeedbackLoop:
    """The loop of a shop over its stores."""
    workspace = Workspace(runtime.workspace)
    engine = open_database(runtime.database_url or workspace.database_url)
    serving = open_serving_database(serving_url(workspace, runtime.database_url))
    observer = ShopObserver(workspace, ItemStore(engine), EventStore(engine), AnswerStore(serving))
    if runner is None:
        dashboard = config.dashboard
        runner = RayJobRunner(runtime, dashboard) if dashboard else ProcessRunner(runtime, config.niceness)
    retention = Retention(workspace, engine, serving)
    board = ReplicaBoard(serving)
    return FeedbackLoop(
        config, LoopStore(engine), observer, board, runner, retention, address=runtime.address
    )


class LoopActor:
    """The loop as an actor: it turns in a thread of its own for as long as the actor lives."""

    def __init__(self, runtime: RuntimeConfig, config: LoopConfig) -> None:
        self._loop, self._stop = open_loop(runtime, config), threading.Event()
        self._thread = threading.Thread(target=turn, args=(self._loop, self._stop), name="loop", daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        """Whether the thread turns."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End after the run that is on its way."""
        self._stop.set()
        self._thread.join(timeout=5.0)


def turn(loop: FeedbackLoop, stop: threading.Event) -> None:
    """Step until told to stop; one failed step does not end it."""
    while not stop.wait(loop.config.poll_s):
        try:
            loop.step()
        except LeaseLostError as error:
            log.warning("feedback loop: %s", error)
        except (RecsysError, OSError) as error:
            log.warning("feedback loop: a look failed: %s", error)
    loop.close()


def start_actor(runtime: RuntimeConfig, config: LoopConfig, tenant: str | None = None) -> Any:
    """Start a shop's actor on the Ray that is connected; restarted by Ray, on another node too, when it dies.

    Its calls may be sent again: asking and stopping twice is as good as once. Raises `ConfigError` where its
    jobs would not find the database: told here, since the actor would only be started again and again.
    """
    if config.dashboard:
        job_environment(runtime)
    name = f"{ACTOR}-{tenant}" if tenant else ACTOR
    actor = ray.remote(LoopActor).options(
        num_cpus=0.1, max_restarts=-1, max_task_retries=-1, name=name, get_if_exists=True
    )
    return actor.remote(runtime, config)
