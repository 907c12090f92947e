"""`recsys keys`: who may call the service."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.console import show
from jobs.key_rows import key_row, narrow_row, show_new, show_rows, use_row, used_row
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.access import DailyQuota, RateLimit, Scope, day_of
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from cluster.key_store import KeyStore

keys = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke keys of the API; see their use.")
UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
KeyId = Annotated[str, typer.Argument(help="Its id, as `recsys keys list` shows it.")]


@keys.command()
def create(
    name: Annotated[str, typer.Argument(help="Who will use it; decisions are logged under this name.")],
    scope: Annotated[
        list[Scope], typer.Option("--scope", "-s", help="What it opens; give it several times.")
    ],
    valid: Annotated[str | None, typer.Option(help="How long, such as 90d; for ever when absent.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Requests a second in the long run.")] = None,
    burst: Annotated[
        int | None, typer.Option(min=1, help="Requests at once; two seconds' worth when absent.")
    ] = None,
    quota: Annotated[
        int | None, typer.Option(min=1, help="Requests a UTC day; any number when absent.")
    ] = None,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, once: only a digest of it is kept.

    Example: recsys keys create "web shop" -s recommend -s events:write --rate 50 --quota 100000
    """
    if burst is not None and rate is None:
        raise ConfigError("a burst needs a rate", expected="--rate", found="--burst alone")
    limit = None if rate is None else RateLimit(rate, burst or max(1, round(2 * rate)))
    valid_s = None if valid is None else seconds_of(valid)
    most = None if quota is None else DailyQuota(quota)
    store = _store(workspace, database_url)
    show_new(store.create(name, scope, valid_s=valid_s, rate=limit, quota=most), as_json)


@keys.command(name="list")
def list_keys(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every key that was made, with its use today and whether it is in force; never its text.

    Example: recsys keys list
    """
    from cluster.key_store import KeyStore
    from cluster.key_usage import UsageStore

    engine = _engine(workspace, database_url)
    today = {use.key_id: use.requests for use in UsageStore(engine).since(_today())}
    rows = [used_row(key, today.get(key.key_id, 0)) for key in KeyStore(engine).all()]
    rows = rows if as_json else [narrow_row(row) for row in rows]
    show_rows(rows, "no keys yet; make one with recsys keys create", as_json)


@keys.command()
def revoke(
    key_id: KeyId,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a key out of force; running services follow within a second.

    Example: recsys keys revoke 3f9a0c21b7d4
    """
    show("revoked", key_row(_store(workspace, database_url).revoke(key_id)), as_json)


@keys.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[str, typer.Option(help="How long the old key stays in force.")] = "1d",
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a second key with the same rights; the old one ends after the overlap.

    Example: recsys keys rotate 3f9a0c21b7d4 --overlap 2h
    """
    show_new(_store(workspace, database_url).rotate(key_id, overlap_s=seconds_of(overlap)), as_json)


@keys.command()
def usage(
    key_id: Annotated[str | None, typer.Argument(help="Only this key; every key when absent.")] = None,
    days: Annotated[
        int, typer.Option(min=1, max=35, help="The last so many UTC days, today included; 35 are kept.")
    ] = 7,
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Requests by key and UTC day, the oldest first; days without a request are left out.

    Example: recsys keys usage 3f9a0c21b7d4 --days 30
    """
    from cluster.key_store import KeyStore
    from cluster.key_usage import UsageStore

    engine = _engine(workspace, database_url)
    store = KeyStore(engine)
    known = {key.key_id: key for key in (store.all() if key_id is None else [store.get(key_id)])}
    found = UsageStore(engine).since(_today() - days + 1, key_id)
    show_rows([use_row(use, known.get(use.key_id)) for use in found], "no requests in these days", as_json)


def seconds_of(text: str) -> float:
    """Seconds of a length such as `45s`, `10m`, `12h` or `90d`; raises `ConfigError`."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([smhd])", text.strip())
    if match is None:
        raise ConfigError(
            "a length of time is not understood", expected="such as 12h or 90d", found=text[:40]
        )
    return float(match[1]) * UNITS[match[2]]


def _store(workspace: WorkspaceOption, database_url: DatabaseOption) -> KeyStore:
    from cluster.key_store import KeyStore

    return KeyStore(_engine(workspace, database_url))


def _engine(workspace: WorkspaceOption, database_url: DatabaseOption) -> Engine:
    from cluster.database import open_database

    return open_database(database_url_of(runtime_of(workspace, database_url)))


def _today() -> int:
    return day_of(time.time_ns() // 1_000)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(keys, name="keys")
