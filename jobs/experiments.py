"""What a shop's experiments are and have shown, read from its own logs."""

from __future__ import annotations

import asyncio

from cluster.answer_store import AnswerStore
from cluster.control_store import ControlStore
from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.serving_database import open_serving_database, serving_url
from jobs.options import database_url_of
from recsys.config import RuntimeConfig
from recsys.experiments.experiment import Experiment
from recsys.experiments.result import ExperimentResults, InterleavingResults
from recsys.workspace import Workspace
from serve_app.controls import ControlWatch
from serve_app.evidence import Evidence


def experiments_of(runtime: RuntimeConfig) -> list[Experiment]:
    """Every experiment of the shop, by id."""
    evidence = _evidence(runtime)
    asyncio.run(evidence.controls.refresh())
    return sorted(evidence.controls.state.experiments, key=lambda one: one.experiment_id)


def results_of(runtime: RuntimeConfig, name: str) -> ExperimentResults | InterleavingResults:
    """An experiment as it stands, the same as over HTTP; raises `NotFoundError`."""
    evidence = _evidence(runtime)

    async def read() -> ExperimentResults | InterleavingResults:
        await evidence.controls.refresh()
        return await evidence.results(name)

    return asyncio.run(read())


def _evidence(runtime: RuntimeConfig) -> Evidence:
    engine = open_database(database_url_of(runtime))
    serving = open_serving_database(serving_url(Workspace(runtime.workspace), runtime.database_url))
    watch = ControlWatch(ControlStore(engine), {}, refresh_s=1.0)
    return Evidence(AnswerStore(serving), EventStore(engine), ItemStore(engine), watch)
