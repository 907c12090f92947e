"""`recsys import items|events|relations`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import typer

from cluster.database import open_database
from cluster.event_store import EventStore
from cluster.item_store import ItemStore
from cluster.tombstone_table import ErasedPeople
from jobs.console import progress, show
from jobs.import_data import ImportReport, import_events, import_items, import_relations
from jobs.import_vectors import import_vectors, parse_named_file
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    parse_pairs,
    runtime_of,
)
from recsys.config import ImportConfig, TextEncoding
from recsys.errors import ConfigError
from recsys.formats import format_names
from recsys.privacy.secret import names_of
from recsys.workspace import Workspace

PathsArgument = Annotated[
    list[Path],
    typer.Argument(help="Files or folders: Parquet, CSV, JSON Lines, XML feeds, also .gz.", exists=True),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", "-c", metavar="FIELD=COLUMN", help="Where a field stands in the files."),
]
EncodingOption = Annotated[
    str, typer.Option("--encoding", help="Encoding of text files, such as gb18030; auto looks into them.")
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="FORMAT", help=f"Format of the files: {', '.join(format_names())}; told by columns."
    ),
]
EventTypeOption = Annotated[
    list[str] | None,
    typer.Option("--event-type", metavar="THEIRS=OURS", help="What an event type of the files means."),
]
BadShareOption = Annotated[
    float, typer.Option("--max-bad-share", min=0, max=1, help="Exit with 1 above this share of bad rows.")
]

imports = typer.Typer(no_args_is_help=True, help="Read items, events, relations or vectors from files.")


@imports.command("items")
def items(
    paths: PathsArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    source_format: FromOption = None,
    column: ColumnOption = None,
    encoding: EncodingOption = "auto",
    subtitles: Annotated[
        Path | None, typer.Option(help="Folder of the files that the column `subtitles` names (SRT, WebVTT).")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="ISO 4217 currency of prices that name none.")] = None,
    max_bad_share: BadShareOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Read a catalog. Running it again with the same files changes nothing.

    Exports of Shopify, WooCommerce, Google Merchant, Google Retail, Gorse and Amazon Personalize are known by
    their columns.

    Example: recsys import items catalog.csv -c title=product_name --currency EUR
    """
    config = ImportConfig(
        columns=parse_pairs(column or [], "FIELD=COLUMN"),
        encoding=parse_encoding(encoding),
        subtitles=subtitles,
        source_format=source_format,
        default_currency=currency,
        max_bad_share=max_bad_share,
    )
    runtime = runtime_of(workspace, database_url)
    store = ItemStore(open_database(database_url_of(runtime)))
    with progress("import items", "KB", as_json) as advance:
        report = import_items(
            paths,
            item_store=store,
            workspace=Workspace(runtime.workspace),
            config=config,
            on_progress=lambda rows, done, total: advance(done >> 10, total >> 10),
        )
    finish("items", report, as_json)


@imports.command("events")
def events(
    paths: PathsArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    source_format: FromOption = None,
    column: ColumnOption = None,
    event_type: EventTypeOption = None,
    encoding: EncodingOption = "auto",
    max_bad_share: BadShareOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Read what shoppers did. Running it again with the same files changes nothing.

    Example: recsys import events clicks.jsonl -c occurred_at=ts
    """
    config = ImportConfig(
        columns=parse_pairs(column or [], "FIELD=COLUMN"),
        encoding=parse_encoding(encoding),
        source_format=source_format,
        event_types=parse_pairs(event_type or [], "THEIRS=OURS"),
        max_bad_share=max_bad_share,
    )
    runtime = runtime_of(workspace, database_url)
    engine, place = open_database(database_url_of(runtime)), Workspace(runtime.workspace)
    store = EventStore(engine, ErasedPeople(engine, place.privacy))
    with progress("import events", "KB", as_json) as advance:
        report = import_events(
            paths,
            event_store=store,
            workspace=place,
            config=config,
            on_progress=lambda rows, done, total: advance(done >> 10, total >> 10),
            names=names_of(place),
        )
    finish("events", report, as_json)


@imports.command("relations")
def relations(
    paths: PathsArgument,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    column: ColumnOption = None,
    max_bad_share: BadShareOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Read what goes with what, does for what, fits what; it takes the place of what was stated before.

    The next `recsys embed` puts it into an index version.

    Example: recsys import relations relations.csv
    """
    config = ImportConfig(columns=parse_pairs(column or [], "FIELD=COLUMN"), max_bad_share=max_bad_share)
    runtime = runtime_of(workspace, database_url)
    with progress("import relations", "KB", as_json) as advance:
        report = import_relations(
            paths,
            item_store=ItemStore(open_database(database_url_of(runtime))),
            workspace=Workspace(runtime.workspace),
            config=config,
            on_progress=lambda rows, done, total: advance(done >> 10, total >> 10),
        )
    finish("relations", report, as_json)


@imports.command("vectors")
def vectors(
    named: Annotated[
        list[str], typer.Argument(metavar="NAME=FILE...", help="Parquet: item_id and a list of numbers.")
    ],
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    max_bad_share: BadShareOption = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Read vectors that the shop made itself, of sound or of anything; `recsys fit` weighs them.

    A file takes the place of what was imported under its name before. Vectors of another encoder belong
    under another name.

    Example: recsys import vectors sound=vectors.parquet
    """
    runtime = runtime_of(workspace, database_url)
    store = ItemStore(open_database(database_url_of(runtime)))
    failed = 0
    for name, file in [parse_named_file(text) for text in named]:
        report = import_vectors(Workspace(runtime.workspace), store, name, file, max_bad_share)
        show("import vectors", report.as_rows(), as_json)
        failed = max(failed, report.exit_code)
    raise typer.Exit(failed)


def parse_encoding(name: str) -> TextEncoding:
    """A name that files of text may have; raises `ConfigError` for another one."""
    known: tuple[TextEncoding, ...] = get_args(TextEncoding)
    for one in known:
        if one == name.lower().replace("utf8", "utf-8").replace("utf16", "utf-16"):
            return one
    raise ConfigError("this encoding is not read", expected=", ".join(known), found=name)


def finish(kind: str, report: ImportReport, as_json: bool) -> None:
    """Print the summary and leave with the report's exit code."""
    show(f"import {kind}", report.as_rows(), as_json)
    raise typer.Exit(report.exit_code)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(imports, name="import")
