"""Units encoded by a pool of Ray actors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.exceptions import RayError

from cluster.embedding.export import Unit
from cluster.embedding.unit_encoder import UnitEncoder, UnitWorker, unit_row
from cluster.runtime import ResourceRequest, connect
from recsys.config import EmbedConfig, RuntimeConfig
from recsys.errors import EncoderError


@contextmanager
def encode_on_actors(
    units: list[Unit],
    actor: dict[str, object],
    embed: EmbedConfig,
    runtime: RuntimeConfig,
    worker: type[UnitWorker] = UnitEncoder,
) -> Iterator[Iterator[dict[str, Any]]]:
    """Inside the block, outcomes of `worker` as they come; `actor` are its constructor's arguments.

    Raises `CapacityError` for more actors than the cluster holds, `EncoderError` when actors fail for
    good.
    """
    request = ResourceRequest(embed.num_actors, embed.cpus_per_actor, embed.gpus_per_actor)
    with connect(runtime, request=request, terse=True):
        yield _outcomes(_plan(units, actor, embed, worker))


def _plan(
    units: list[Unit], actor: dict[str, object], embed: EmbedConfig, worker: type[UnitWorker]
) -> Dataset:
    """Paths of unit files -> actor pool -> outcomes; one unit a block, so that one is lost at the most.

    Actors read the texts themselves: a read task would need a CPU of its own, and wait for ever
    where the actors hold them all. Ray Data restarts dead actors and sends their units again.
    """
    return ray.data.from_arrow([pa.Table.from_pylist([unit_row(unit)]) for unit in units]).map_batches(
        worker,
        fn_constructor_kwargs=actor,
        batch_size=1,
        batch_format="pyarrow",
        compute=_pool(embed),
        num_cpus=embed.cpus_per_actor,
        num_gpus=embed.gpus_per_actor or None,
    )


def _pool(embed: EmbedConfig) -> ActorPoolStrategy:
    """Actors that stay, or more of them for as long as texts wait and the cluster has room."""
    if embed.max_actors is None:
        return ActorPoolStrategy(size=embed.num_actors, max_tasks_in_flight_per_actor=2)
    return ActorPoolStrategy(
        min_size=embed.num_actors, max_size=embed.max_actors, max_tasks_in_flight_per_actor=2
    )


def _outcomes(plan: Dataset) -> Iterator[dict[str, Any]]:
    _quiet_data()
    try:
        yield from plan.iter_rows()
    except RayError as error:
        raise EncoderError(
            "the encoder actors failed; what was finished is kept",
            expected="actors that stay alive or can be restarted",
            found=(str(error).strip().splitlines() or [type(error).__name__])[0][:300],
        ) from error


def _quiet_data() -> None:
    """Ray Data's own bars and plans stay off the terminal; progress is `on_progress`."""
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
