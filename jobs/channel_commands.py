"""`recsys channel`: pictures and films of the shop beside its texts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jobs.console import progress, show
from jobs.options import (
    DEFAULT_WORKSPACE,
    AddressOption,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.config import ChannelConfig, EmbedConfig, ImageEncoderConfig, MediaLimits
from recsys.errors import InputError, NotFoundError
from recsys.workspace import Workspace

channels = typer.Typer(no_args_is_help=True, help="Pictures and films of items beside their texts.")
NameArgument = Annotated[str, typer.Argument(help="Name of the channel.")]


@channels.command("embed")
def embed(
    name: NameArgument = "image",
    files: Annotated[
        Path | None, typer.Option(help="Folder that the files lie in; as last time when absent.")
    ] = None,
    encoder: Annotated[
        str | None, typer.Option(help="Local folder of a CLIP, SigLIP or other vision network.")
    ] = None,
    kind: Annotated[
        Literal["image", "video"], typer.Option(help="`video` reads the attribute `video` of items.")
    ] = "image",
    frames: Annotated[int, typer.Option(min=1, help="Frames taken of a film.")] = MediaLimits().num_frames,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    address: AddressOption = None,
    actors: Annotated[int, typer.Option(min=1, help="Encoder actors at the same time.")] = 1,
    cpus: Annotated[float, typer.Option(min=0.1, help="CPUs of each encoder actor.")] = 2.0,
    gpus: Annotated[float, typer.Option(min=0, help="GPUs of each encoder actor.")] = 0.0,
    as_json: JsonOption = False,
) -> None:
    """Encode the pictures or films that are new or changed; `recsys fit` weighs them beside the texts.

    Only files of the folder are opened: of a web address its path is looked up there. A file that cannot
    be used is counted and quarantined, and its item keeps its text.

    Example: recsys channel embed image --files pictures --encoder models/clip
    """
    from cluster.database import open_database
    from cluster.embedding.channel_job import embed_channel
    from cluster.item_store import ItemStore

    runtime = runtime_of(workspace, database_url, address)
    place = Workspace(runtime.workspace)
    config = _config(place, name, files, encoder, kind, frames)
    with progress("embed", "files", as_json) as advance:
        report = embed_channel(
            place,
            ItemStore(open_database(database_url_of(runtime))),
            config,
            EmbedConfig(num_actors=actors, cpus_per_actor=cpus, gpus_per_actor=gpus),
            lambda state: advance(state.done, state.total),
            runtime=runtime,
        )
    show("channel", report.as_rows(), as_json)


@channels.command("list")
def list_channels(workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False) -> None:
    """What the workspace knows of items beside their texts.

    Example: recsys channel list
    """
    from recsys.channels.store import channel_records

    rows: dict[str, Any] = {
        record.name: f"{record.kind}, {record.dim} wide, {record.version}"
        for record in channel_records(Workspace(workspace))
    }
    show("channels", rows, as_json)


@channels.command("remove")
def remove(
    name: NameArgument, workspace: WorkspaceOption = DEFAULT_WORKSPACE, as_json: JsonOption = False
) -> None:
    """Forget a channel's vectors; the published version keeps what it has until `recsys fit`.

    Example: recsys channel remove image
    """
    from recsys.channels.store import RECORD

    folder = Workspace(workspace).channel(name)
    if not (folder / RECORD).exists():
        raise NotFoundError("there is no such channel", found=name)
    shutil.rmtree(folder)
    show("channel", {"removed": name}, as_json)


def _config(
    workspace: Workspace,
    name: str,
    files: Path | None,
    encoder: str | None,
    kind: Literal["image", "video"],
    frames: int,
) -> ChannelConfig:
    """What was asked for, with what is on record where nothing was said."""
    from recsys.channels.store import RECORD, read_record

    file = workspace.channel(name) / RECORD
    last = read_record(file).config if file.exists() else None
    if last is not None and files is None and encoder is None:
        return last
    if (files is None or encoder is None) and last is None:
        raise InputError("a new channel needs its files and its encoder", expected="--files and --encoder")
    return ChannelConfig(
        name=name,
        kind=kind if last is None else last.kind,
        files=files or last.files,  # type: ignore[union-attr]  # one of both is there, as was seen above
        encoder=ImageEncoderConfig(source=encoder) if encoder else last.encoder,  # type: ignore[union-attr]
        limits=MediaLimits(num_frames=frames),
    )


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(channels, name="channel")
