"""`recsys shop`: the built-in shop as files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.console import out, show
from jobs.options import JsonOption


def shop(
    folder: Annotated[Path, typer.Argument(help="Where the files are written.")],
    items: Annotated[int, typer.Option(min=50, help="Items of the catalog.")] = 2400,
    shoppers: Annotated[int, typer.Option(min=10, help="Shoppers with hidden tastes.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same shop.")] = 7,
    now: Annotated[
        datetime | None, typer.Option(help="When the newest event happened; today when absent.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="As catalog.csv and orders.csv, as a shop might export them.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the built-in shop: a catalog, behaviour with known tastes, and what goes with what.

    Example: recsys shop files --items 400 --shoppers 200
    """
    from jobs.make_shop import write_shop

    written = write_shop(folder, seed, items, shoppers, now, as_csv)
    names = ("catalog.csv", "orders.csv") if as_csv else ("items.parquet", "events.parquet")
    files = {"items": written / names[0], "events": written / names[1]}
    show("shop", {"folder": written, **files}, as_json)
    if not as_json:
        out.print(f"next: recsys import items {files['items']}", markup=False)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(shop)
