"""`recsys keys`: who may call the service."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from jobs.console import out, show
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.access import ApiKey, NewKey, RateLimit, Scope
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from cluster.key_store import KeyStore

keys = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke keys of the API.")
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
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key and print it, once: only a digest of it is kept.

    Example: recsys keys create "web shop" -s recommend -s events:write --rate 50
    """
    if burst is not None and rate is None:
        raise ConfigError("a burst needs a rate", expected="--rate", found="--burst alone")
    limit = None if rate is None else RateLimit(rate, burst or max(1, round(2 * rate)))
    valid_s = None if valid is None else seconds_of(valid)
    store = _store(workspace, database_url)
    _show_new(store.create(name, scope, valid_s=valid_s, rate=limit), as_json)


@keys.command(name="list")
def list_keys(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every key that was made, with whether it is in force; never its text.

    Example: recsys keys list
    """
    found = _store(workspace, database_url).all()
    if as_json:
        for key in found:
            show("key", _row(key), as_json)
        return
    table = Table(
        *(Column(name, overflow="fold") for name in ("id", "name", "scopes", "rate", "made", "ends", "state"))
    )
    for key in found:
        table.add_row(*(str(value or "") for value in _row(key).values()))
    out.print(table if found else "no keys yet; make one with recsys keys create")


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
    show("revoked", _row(_store(workspace, database_url).revoke(key_id)), as_json)


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
    _show_new(_store(workspace, database_url).rotate(key_id, overlap_s=seconds_of(overlap)), as_json)


def seconds_of(text: str) -> float:
    """Seconds of a length such as `45s`, `10m`, `12h` or `90d`; raises `ConfigError`."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([smhd])", text.strip())
    if match is None:
        raise ConfigError(
            "a length of time is not understood", expected="such as 12h or 90d", found=text[:40]
        )
    return float(match[1]) * UNITS[match[2]]


def _store(workspace: WorkspaceOption, database_url: DatabaseOption) -> KeyStore:
    from cluster.database import open_database
    from cluster.key_store import KeyStore

    return KeyStore(open_database(database_url_of(runtime_of(workspace, database_url))))


def _show_new(made: NewKey, as_json: bool) -> None:
    show("new key", {"key": made.text, **_row(made.key)}, as_json)
    if not as_json:
        out.print("This is the only time that the key itself is shown.")


def _row(key: ApiKey) -> dict[str, str | None]:
    ends = [at for at in (key.expires_at_us, key.revoked_at_us) if at is not None]
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    return {
        "id": key.key_id,
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes)),
        "rate": f"{key.rate.per_s:g}/s, burst {key.rate.burst}" if key.rate else None,
        "made": _time(key.created_at_us),
        "ends": _time(min(ends)) if ends else None,
        "state": "in force" if key.in_force(now_us) else "out of force",
    }


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(keys, name="keys")
