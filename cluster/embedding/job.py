"""The embedding run: export -> encoder actor pool -> finished units."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, DataContext, Dataset
from ray.exceptions import RayError

from cluster.embedding.export import Export, ItemSource, Unit, export_pending
from cluster.embedding.folder_lock import sole_writer
from cluster.embedding.report import EmbedProgress, EmbedReport, Stopwatch
from cluster.embedding.unit_encoder import UnitEncoder
from cluster.runtime import ResourceRequest, connect
from recsys.config import EmbedConfig, EncoderConfig, RuntimeConfig
from recsys.embeddings import read_hashes
from recsys.encoder import embedding_dim, encoder_version
from recsys.errors import EncoderError
from recsys.workspace import Workspace


def embed_catalog(
    workspace: Workspace,
    item_store: ItemSource,
    encoder: EncoderConfig,
    embed: EmbedConfig,
    on_progress: Callable[[EmbedProgress], None] = lambda _: None,
    *,
    runtime: RuntimeConfig | None = None,
) -> EmbedReport:
    """Embed every text of the catalog that has no embedding of this encoder yet.

    Each finished unit lands whole in `workspace.embeddings(version)`; a run that was killed is
    continued by the next and loses at most one unit an actor. With nothing new, Ray is not even
    started. Vectors never pass through this process.

    `on_progress` is called with `done=0` first, then after every unit. On several machines the
    workspace lies on a filesystem they share. Raises `EncoderError` for a refused encoder, NaN
    or a unit on which actors keep dying, `CapacityError` for more actors than the cluster holds,
    `OverloadedError` while another run embeds with the same encoder; what was finished stays.
    """
    started = time.monotonic()
    version, dim = encoder_version(encoder), embedding_dim(encoder)
    folder = workspace.embeddings(version)
    with sole_writer(folder):
        done, broken = read_hashes(folder, dim)
        _set_aside(broken)
        _remove_exports(workspace, version)
        texts = workspace.catalog(item_store.last_seq()) / version
        export = export_pending(item_store, done, texts, embed.unit_texts)
        if export.units:
            actor = {
                "config": _for_actor(encoder, embed),
                "encoder_version": version,
                "dim": dim,
                "folder": str(folder),
            }
            with connect(
                runtime or RuntimeConfig(workspace=workspace.root), request=_request(embed), terse=True
            ):
                _run(export, _plan(export.units, actor, embed), on_progress)
        _remove_exports(workspace, version)
    seconds = time.monotonic() - started
    return EmbedReport(
        encoder_version=version,
        dim=dim,
        items=export.items,
        distinct_texts=export.distinct_texts,
        reused=export.distinct_texts - export.pending,
        embedded=export.pending,
        broken_units=len(broken),
        seconds=seconds,
        rate=export.pending / seconds,
    )


def _set_aside(broken: Iterable[Path]) -> None:
    """Rename unusable units, so that none stands in the way of the unit that replaces it."""
    for file in broken:
        os.replace(file, file.with_name(f"{file.name}.broken"))


def _remove_exports(workspace: Workspace, version: str) -> None:
    """Texts that this or a killed run exported for this encoder; vectors are all that is kept."""
    for texts in workspace.catalog(0).parent.glob(f"*/{version}"):
        shutil.rmtree(texts, ignore_errors=True)
        with suppress(OSError):  # another encoder's export lies beside it
            texts.parent.rmdir()


def _plan(units: list[Unit], actor: dict[str, object], embed: EmbedConfig) -> Dataset:
    """Paths of unit files -> actor pool -> outcomes; one unit a block, so that one is lost at the most.

    Actors read the texts themselves: a read task would need a CPU of its own, and wait for ever
    where the actors hold them all. Ray Data restarts dead actors and sends their units again.
    """
    rows = [
        pa.table({"unit": [str(unit.file)], "num_texts": [unit.num_texts], "num_chars": [unit.num_chars]})
        for unit in units
    ]
    return ray.data.from_arrow(rows).map_batches(
        UnitEncoder,
        fn_constructor_kwargs=actor,
        batch_size=1,
        batch_format="pyarrow",
        compute=ActorPoolStrategy(size=embed.num_actors, max_tasks_in_flight_per_actor=2),
        num_cpus=embed.cpus_per_actor,
        num_gpus=embed.gpus_per_actor or None,
    )


def _run(export: Export, plan: Dataset, on_progress: Callable[[EmbedProgress], None]) -> None:
    watch = Stopwatch(export.pending, sum(unit.num_chars for unit in export.units))
    on_progress(EmbedProgress(0, export.pending, 0.0, None))
    for outcome in _outcomes(plan):
        if outcome["fault"]:
            what, expected, found, where = outcome["fault"]
            raise EncoderError(what, expected=expected, found=found, where=where)
        on_progress(watch.add(outcome["num_texts"], outcome["num_chars"]))


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


def _request(embed: EmbedConfig) -> ResourceRequest:
    return ResourceRequest(embed.num_actors, embed.cpus_per_actor, embed.gpus_per_actor)


def _for_actor(encoder: EncoderConfig, embed: EmbedConfig) -> EncoderConfig:
    """The same embeddings on the resources an actor has: device and threads are not in the version."""
    threads = encoder.num_threads or max(1, int(embed.cpus_per_actor))
    device = "cuda" if embed.gpus_per_actor else encoder.device
    return encoder.model_copy(update={"num_threads": threads, "device": device})
