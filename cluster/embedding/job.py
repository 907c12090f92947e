"""The embedding run: what is new in the catalog -> encoders -> finished units."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

from cluster.embedding.catalog_texts import ItemSource, export_new, remember_catalog
from cluster.embedding.export import Export, Unit
from cluster.embedding.folder_lock import sole_writer
from cluster.embedding.local_run import encode_here
from cluster.embedding.report import EmbedProgress, EmbedReport, Stopwatch
from recsys.config import Backend, EmbedConfig, EncoderConfig, RuntimeConfig
from recsys.embeddings import known_hashes
from recsys.encoder import embedding_dim, encoder_version
from recsys.encoder.choice import require_installed, settled
from recsys.encoder.sources import resolve
from recsys.errors import EncoderError
from recsys.training.model_card import require_card
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
    continued by the next and loses at most one unit an actor. Up to `embed.local_texts` texts are
    encoded in this process; more of them, or a GPU or a cluster that is asked for, start or join Ray,
    whose actors keep the vectors out of this process. `auto` in `encoder` is what `settled` says.

    `on_progress` is called with `done=0` first, then after every unit. On several machines the
    workspace lies on a filesystem they share. Raises `EncoderError` for a refused encoder, NaN
    or a unit on which actors keep dying, `CapacityError` for more actors than the cluster holds,
    `ConfigError` for a backend that is not installed, `OverloadedError` while another run embeds with
    the same encoder, `SignatureError` where keys are trusted and a trained encoder's card is not signed;
    what was finished stays.
    """
    started = time.monotonic()
    encoder = settled(encoder)
    encoder = encoder.model_copy(update={"export_folder": encoder.export_folder or workspace.exported})
    require_installed(encoder.backend)
    require_card(workspace, resolve(encoder.source))
    version, dim = encoder_version(encoder), embedding_dim(encoder)
    folder = workspace.embeddings(version)
    with sole_writer(folder):
        done, broken = known_hashes(folder, dim)
        set_aside(broken)
        _remove_exports(workspace, version)
        catalog_seq = item_store.last_seq()
        export = export_new(
            item_store, done, folder, workspace.catalog(catalog_seq) / version, embed.unit_texts
        )
        if export.units:
            actor = {"encoder_version": version, "dim": dim, "folder": str(folder)}
            runtime = runtime or RuntimeConfig(workspace=workspace.root)
            with _encoded(export, actor, encoder, embed, runtime) as outcomes:
                follow(export.units, outcomes, on_progress)
            known_hashes(folder, dim)
        remember_catalog(folder, catalog_seq, export)
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
        backend=encoder.backend.value,
        precision=encoder.precision.value,
    )


def for_actor(encoder: EncoderConfig, embed: EmbedConfig) -> EncoderConfig:
    """The same embeddings on the resources an actor has: device and threads are not in the version."""
    threads = encoder.num_threads or max(1, int(embed.cpus_per_actor))
    device = "cuda" if embed.gpus_per_actor else encoder.device
    return encoder.model_copy(update={"num_threads": threads, "device": device})


def _encoded(
    export: Export, actor: dict[str, Any], encoder: EncoderConfig, embed: EmbedConfig, runtime: RuntimeConfig
) -> AbstractContextManager[Iterator[dict[str, Any]]]:
    if export.pending <= embed.local_texts and not embed.gpus_per_actor and not runtime.address:
        spared = embed.model_copy(update={"cpus_per_actor": embed.cpus_per_actor * embed.num_actors})
        return nullcontext(encode_here(export.units, actor | {"config": for_actor(encoder, spared)}))
    from cluster.embedding.ray_run import encode_on_actors  # Ray Data takes seconds to import

    _prepare(encoder)
    return encode_on_actors(export.units, actor | {"config": for_actor(encoder, embed)}, embed, runtime)


def _prepare(encoder: EncoderConfig) -> None:
    """Export the network once, rather than in every actor at the same time."""
    if encoder.backend is Backend.TORCH:
        return
    from recsys.encoder.folder import verify
    from recsys.encoder.onnx_export import onnx_file

    onnx_file(encoder, verify(resolve(encoder.source)))


def follow(
    units: Sequence[Unit], outcomes: Iterable[dict[str, Any]], on_progress: Callable[[EmbedProgress], None]
) -> None:
    """Take in outcomes as they come and tell how far it is; the first fault is raised."""
    pending = sum(unit.num_texts for unit in units)
    watch = Stopwatch(pending, sum(unit.num_chars for unit in units))
    on_progress(EmbedProgress(0, pending, 0.0, None))
    for outcome in outcomes:
        if outcome["fault"]:
            what, expected, found, where = outcome["fault"]
            raise EncoderError(what, expected=expected, found=found, where=where)
        on_progress(watch.add(outcome["num_texts"], outcome["num_chars"]))


def set_aside(broken: Iterable[Path]) -> None:
    """Rename unusable units, so that none stands in the way of the unit that replaces it."""
    for file in broken:
        os.replace(file, file.with_name(f"{file.name}.broken"))


def _remove_exports(workspace: Workspace, version: str) -> None:
    """Texts that this or a killed run exported for this encoder; vectors are all that is kept."""
    for texts in workspace.catalog(0).parent.glob(f"*/{version}"):
        shutil.rmtree(texts, ignore_errors=True)
        with suppress(OSError):  # another encoder's export lies beside it
            texts.parent.rmdir()
