"""`recsys embed | index`: from catalog to published version."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.completion import encoder_sources
from jobs.console import out, progress, show
from jobs.options import (
    DEFAULT_INDEX,
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    EncoderVersionOption,
    ForceOption,
    JsonOption,
    Range,
    RecallFloorOption,
    ScanOption,
    StorageOption,
    WorkspaceOption,
    parse_range,
    runtime_of,
)
from recsys.config import Backend, EmbedConfig, EncoderConfig, IndexConfig, Metric, Pooling, Precision

EncoderOption = Annotated[
    str,
    typer.Option(
        "--encoder",
        help="Local folder, package:NAME, or a hub name.",
        show_default=True,
        autocompletion=encoder_sources,
    ),
]
ShardsOption = Annotated[int, typer.Option("--shards", min=1, help="Disjoint parts of the index.")]
DEFAULT_ENCODER = EncoderConfig().source
ONE = Range(1)


def embed(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    encoder: EncoderOption = DEFAULT_ENCODER,
    pooling: Annotated[Pooling, typer.Option(help="How token states become one vector.")] = Pooling.MEAN,
    max_tokens: Annotated[int, typer.Option(min=1, help="Texts are cut to this many tokens.")] = 256,
    backend: Annotated[Backend, typer.Option(help="Library that runs the encoder.")] = Backend.AUTO,
    precision: Annotated[
        Precision, typer.Option(help="Numbers that the encoder computes with.")
    ] = Precision.AUTO,
    min_agreement: Annotated[
        float, typer.Option(min=0, max=1, help="Share of fp32's neighbours that `auto` asks for.")
    ] = EmbedConfig().min_agreement,
    actors: Annotated[
        Range,
        typer.Option(
            parser=parse_range,
            metavar="N|MIN-MAX",
            help="Encoder actors at the same time, or a range that follows the texts that wait.",
        ),
    ] = ONE,
    cpus: Annotated[float, typer.Option(min=0.1, help="CPUs of each encoder actor.")] = 2.0,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of each encoder actor.")] = 0.0,
    shards: ShardsOption = 1,
    metric: Annotated[Metric, typer.Option(help="Score between query and item.")] = Metric.COSINE,
    scan: ScanOption = DEFAULT_INDEX.scan,
    recall_floor: RecallFloorOption = DEFAULT_INDEX.recall_floor,
    storage: StorageOption = DEFAULT_INDEX.storage,
    index: Annotated[
        bool, typer.Option("--index/--no-index", help="Build and publish an index version afterwards.")
    ] = True,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Encode the texts that are new or changed, then build and publish the index.

    Interrupted, it goes on where it was; run again, it embeds nothing and says so. With `auto` a large
    catalog's first run measures which backend and precision is fastest and still finds fp32's
    neighbours; later runs keep what is on record.

    Example: recsys embed --actors 2 --cpus 1 --shards 2
    """
    from jobs import publish_index
    from jobs.embed_catalog import run_embed
    from recsys.workspace import Workspace

    runtime = runtime_of(workspace, database_url, address)
    with progress("embed", "texts", as_json) as advance:
        report = run_embed(
            runtime,
            EncoderConfig(
                source=encoder, pooling=pooling, max_tokens=max_tokens, backend=backend, precision=precision
            ),
            EmbedConfig(
                num_actors=actors.least,
                max_actors=actors.most,
                cpus_per_actor=cpus,
                gpus_per_actor=gpus,
                min_agreement=min_agreement,
            ),
            lambda state: advance(state.done, state.total),
            lambda text: None if as_json else out.print(f"  {text}"),
        )
    show("embed", report.as_rows(), as_json)
    if not index:
        return
    if not force and publish_index.awaits_fit(Workspace(runtime.workspace), report.encoder_version):
        show("index", {"published": "as before: `recsys fit` compares the new encoder with it"}, as_json)
        return
    config = IndexConfig(
        num_shards=shards, metric=metric, scan=scan, recall_floor=recall_floor, storage=storage
    )
    with progress("index", "items", as_json) as advance:
        built = publish_index.run_index(runtime, report.encoder_version, config, advance, force=force)
    show("index", built.as_rows(), as_json)


def index(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    encoder_version: EncoderVersionOption = None,
    shards: ShardsOption = 1,
    metric: Annotated[Metric, typer.Option(help="Score between query and item.")] = Metric.COSINE,
    scan: ScanOption = DEFAULT_INDEX.scan,
    recall_floor: RecallFloorOption = DEFAULT_INDEX.recall_floor,
    storage: StorageOption = DEFAULT_INDEX.storage,
    force: ForceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Build an index version from embeddings that are there, and publish it.

    Example: recsys index --shards 4 --storage float16
    """
    from jobs import publish_index
    from recsys.workspace import Workspace

    runtime = runtime_of(workspace, database_url)
    version = encoder_version or publish_index.newest_encoder_version(Workspace(runtime.workspace))
    config = IndexConfig(
        num_shards=shards, metric=metric, scan=scan, recall_floor=recall_floor, storage=storage
    )
    with progress("index", "items", as_json) as advance:
        built = publish_index.run_index(runtime, version, config, advance, force=force)
    show("index", built.as_rows(), as_json)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (embed, index):
        app.command()(command)
