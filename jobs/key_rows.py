"""How keys and their use are shown; never with a secret but once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from rich.table import Column, Table
from rich.text import Text

from jobs.console import out, readable, show
from recsys.access import ApiKey, NewKey, day_name

if TYPE_CHECKING:
    from cluster.key_usage import DayUse

NUMBERS = ("quota", "today", "requests")
WHOLE = ("id", "day", "quota", "requests")
"""What is copied or compared, and never broken into lines."""
Row = dict[str, str | int | None]


def key_row(key: ApiKey) -> Row:
    """A key as people and machines read it; its end is the earlier of expiry and revocation."""
    ends = [at for at in (key.expires_at_us, key.revoked_at_us) if at is not None]
    now_us = int(datetime.now(UTC).timestamp() * 1e6)
    return {
        "id": key.key_id,
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes)),
        "rate": f"{key.rate.per_s:g}/s, burst {key.rate.burst}" if key.rate else None,
        "quota": key.quota.requests if key.quota else None,
        "made": _time(key.created_at_us),
        "ends": _time(min(ends)) if ends else None,
        "state": "in force" if key.in_force(now_us) else "out of force",
    }


def used_row(key: ApiKey, today: int) -> Row:
    """The same with the requests that the database knows of today, beside the quota."""
    row = key_row(key)
    place = list(row).index("quota") + 1
    return dict([*list(row.items())[:place], ("today", today), *list(row.items())[place:]])


def narrow_row(row: Row) -> Row:
    """A row of `used_row` for a screen of 80 columns: use beside the quota, and not when it was made."""
    today = readable(row["today"])
    narrow = {name: value for name, value in row.items() if name not in ("quota", "made")}
    narrow["today"] = today if row["quota"] is None else f"{today} of {readable(row['quota'])}"
    # A line may end between day and hour.
    narrow["ends"] = str(row["ends"])[:16].replace("T", " ") if row["ends"] else None
    return narrow


def use_row(use: DayUse, key: ApiKey | None) -> Row:
    """A key's use on one day; `key`: None for one of which no more is known than its id."""
    return {
        "day": day_name(use.day),
        "id": use.key_id,
        "name": key.name if key else None,
        "requests": use.requests,
        "quota": key.quota.requests if key and key.quota else None,
    }


def show_new(made: NewKey, as_json: bool) -> None:
    """A key that was just made, with its text."""
    show("new key", {"key": made.text, **key_row(made.key)}, as_json)
    if not as_json:
        out.print("This is the only time that the key itself is shown.")


def show_rows(rows: Sequence[Mapping[str, Any]], none: str, as_json: bool) -> None:
    """One object a line, or one table; `none` is said in the place of an empty one."""
    if as_json:
        for row in rows:
            show("", row, as_json)
        return
    if not rows:
        out.print(none)
        return
    table = Table(*(_column(name) for name in rows[0]))
    for row in rows:
        table.add_row(*(Text("" if value is None else readable(value)) for value in row.values()))
    out.print(table)


def _column(name: str) -> Column:
    side: Literal["right", "left"] = "right" if name in NUMBERS else "left"
    return Column(name, overflow="fold", no_wrap=name in WHOLE, justify=side)


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds")
