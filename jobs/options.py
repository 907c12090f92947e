"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from jobs.completion import encoder_versions
from recsys.config import IndexConfig, RuntimeConfig, ScanKind, Storage
from recsys.errors import InputError
from recsys.workspace import Workspace


class Range(NamedTuple):
    """A number, or a range in which a number follows load; written `N` or `MIN-MAX`."""

    least: int
    most: int | None = None

    def __str__(self) -> str:
        return str(self.least) if self.most is None else f"{self.least}-{self.most}"


def parse_range(text: str | Range) -> Range:
    """The range of a text; raises `typer.BadParameter` for what is none."""
    least, dash, most = str(text).partition("-")
    if not least.isdecimal() or not (most.isdecimal() if dash else True):
        raise typer.BadParameter(f"expected N or MIN-MAX, found {text!r}")
    found = Range(int(least), int(most) if dash else None)
    if found.least < 1 or (found.most is not None and found.most < found.least):
        raise typer.BadParameter(f"expected at least 1 and a maximum not below it, found {text!r}")
    return found


def parse_pairs(pairs: list[str], form: str) -> dict[str, str]:
    """`A=B` options as a mapping; raises `InputError` for any other form, which `form` names."""
    if bad := [pair for pair in pairs if "=" not in pair.strip("=")]:
        raise InputError("a mapping is not valid", expected=form, found=", ".join(bad))
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", envvar="RECSYS_WORKSPACE", help="Folder of this shop's data.")
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        envvar="RECSYS_DATABASE_URL",
        help="SQLAlchemy URL of events and items; SQLite in the workspace when absent.",
        show_envvar=True,
    ),
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        envvar="RECSYS_RAY_ADDRESS",
        help="Ray cluster to join; a local one when absent.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and no progress.")]
SplitOption = Annotated[
    Literal["temporal", "leave-one-out"],
    typer.Option(help="How events are held out; leave-one-out where only their order is real."),
]
HoldoutOption = Annotated[
    float,
    typer.Option(min=0.001, help="Days of the test period; validation holds out three times as many."),
]
SeedOption = Annotated[int, typer.Option(help="The same seed gives the same result.")]
EncoderVersionOption = Annotated[
    str | None,
    typer.Option(help="Which embeddings to use; the newest when absent.", autocompletion=encoder_versions),
]
ForceOption = Annotated[bool, typer.Option(help="Publish even what the gate refuses.")]
ScanOption = Annotated[
    ScanKind, typer.Option("--scan", help="How shards find their best rows; auto compresses large ones.")
]
StorageOption = Annotated[
    Storage, typer.Option("--storage", help="Numbers that vectors are stored in; the loss is measured.")
]
RecallFloorOption = Annotated[
    float,
    typer.Option(
        "--recall-floor", min=0, max=1, help="Least recall@10 of a compressed shard; one below it is exact."
    ),
]
RebuildOption = Annotated[
    bool, typer.Option("--rebuild", help="Write SQLite files anew in any case; writers wait for it.")
]
DEFAULT_WORKSPACE = Path("workspace")
DEFAULT_INDEX = IndexConfig()


def runtime_of(workspace: Path, database_url: str | None, address: str | None = None) -> RuntimeConfig:
    """The runtime settings behind the shared options; creates the workspace folder."""
    runtime = RuntimeConfig(workspace=workspace, database_url=database_url, address=address)
    Workspace(runtime.workspace).create()
    return runtime


def database_url_of(runtime: RuntimeConfig) -> str:
    """The database of a runtime: its own URL, or SQLite inside the workspace."""
    return runtime.database_url or Workspace(runtime.workspace).database_url
