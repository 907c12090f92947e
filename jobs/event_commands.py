"""`recsys events verify | repair`: whether the event log is as it was written, and what to do where not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from jobs.console import progress, show, waiting
from jobs.options import (
    DEFAULT_WORKSPACE,
    DatabaseOption,
    JsonOption,
    WorkspaceOption,
    database_url_of,
    runtime_of,
)
from recsys.errors import ConfigError

if TYPE_CHECKING:
    from cluster.event_check import EventCheck

BAD = 1
MOST_SHOWN = 20
events = typer.Typer(no_args_is_help=True, help="Look after the event log.")


@events.command()
def verify(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every event and compare it with its digest, count what is missing, examine pages and indexes.

    The service may run meanwhile. Ends with 1 when something is wrong; the number is in /metrics too.

    Example: recsys events verify
    """
    from cluster.database import open_database
    from cluster.event_check import check_events, note_check

    engine = open_database(database_url_of(runtime_of(workspace, database_url)))
    with progress("verify events", "events", as_json) as advance:
        found = check_events(engine, advance)
    note_check(engine, found)
    show("event log", _rows(found), as_json)
    if found.faults:
        raise typer.Exit(BAD)


@events.command()
def repair(
    workspace: WorkspaceOption = DEFAULT_WORKSPACE,
    database_url: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write every good row of a damaged SQLite database to a new file in its place.

    Stop the service and its loop first. The damaged file stays beside the new one. What old pages brought
    back of people who were erased is erased again.

    Example: recsys events repair
    """
    from cluster.database import database_engine
    from cluster.event_repair import repair as write_anew
    from jobs.eraser import eraser_of

    runtime = runtime_of(workspace, database_url)
    engine = database_engine(database_url_of(runtime))
    if engine.dialect.name != "sqlite" or not engine.url.database:
        raise ConfigError(
            "only SQLite is repaired", expected="a backup to restore", found=engine.dialect.name
        )
    with waiting("repair", as_json):
        made = write_anew(Path(engine.url.database))
    again = eraser_of(runtime).replay()
    show(
        "repair",
        {
            "events_kept": made.events,
            "of_them_from_logs": made.from_logs,
            "events_lost": made.lost,
            "incomplete_tables": made.incomplete,
            "damaged_file": made.kept_as,
            "events_erased_again": again.events,
        },
        as_json,
    )


def _rows(found: EventCheck) -> dict[str, object]:
    shown = dict(list(found.damaged.items())[:MOST_SHOWN])
    return {
        "whole_events": found.whole,
        "damaged_events": len(found.damaged),
        "damaged": {str(seq): reason for seq, reason in shown.items()},
        "missing_events": found.missing,
        "structure": "\n".join(found.structure) or "sound",
        "damaged_logs": "\n".join(found.logs) or "none",
        "what_to_do": "recsys events repair" if found.faults else "nothing",
    }


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(events, name="events")
