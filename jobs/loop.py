"""The feedback loop as commands see it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.table import Table

from cluster.feedback_loop import FeedbackLoop, wall_us
from cluster.loop_actor import open_loop, turn
from jobs.console import out
from recsys.config import RuntimeConfig
from recsys.errors import ConfigError, InputError
from recsys.feedback import Kind, LoopConfig, Run, RunState, Trigger

SHOWN_CHARS = 70


def read_loop_config(path: Path | None) -> LoopConfig:
    """Settings of a JSON file, the defaults without one; raises `ConfigError` for what is none."""
    if path is None:
        return LoopConfig()
    try:
        return LoopConfig.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or path.name
        raise ConfigError("a setting of the loop is refused", expected=first["msg"], where=where) from error


def loop_of(runtime: RuntimeConfig, config: Path | None) -> FeedbackLoop:
    """The loop of a shop, which does nothing yet."""
    return open_loop(runtime, read_loop_config(config))


def status_of(loop: FeedbackLoop) -> dict[str, Any]:
    """What is due, what is waited for, what runs."""
    runs = loop.store.runs.unended()
    return {
        "paused": loop.store.paused,
        "holder": loop.store.leases.look("feedback-loop").holder,
        **loop.decision().as_rows(),
        "running": [run.run_id for run in runs],
    }


def history_of(loop: FeedbackLoop, limit: int) -> list[dict[str, Any]]:
    """The newest runs as rows."""
    return [row_of(run) for run in loop.store.runs.newest(limit)]


def row_of(run: Run) -> dict[str, Any]:
    """A run as people and machines read it."""
    return {
        "run_id": run.run_id,
        "kind": run.kind.value,
        "trigger": run.trigger.value,
        "state": run.state.value,
        "attempt": run.attempt,
        "started_at": _time(run.started_at_us),
        "ended_at": _time(run.ended_at_us),
        "reasons": list(run.reasons),
        "inputs": dict(run.inputs),
        "result": dict(run.result),
    }


def history_table(rows: Sequence[dict[str, Any]]) -> Table:
    """Runs for a terminal."""
    table = Table("run", "started", "state", "because", "result")
    for row in rows:
        result = row["result"].get("error") or row["result"].get("index_version") or ""
        reasons = "; ".join(row["reasons"])
        state = row["state"] + (f" (attempt {row['attempt']})" if row["attempt"] > 1 else "")
        table.add_row(
            row["run_id"],
            str(row["started_at"])[:19],
            state,
            reasons[:SHOWN_CHARS],
            str(result)[-SHOWN_CHARS:],
        )
    return table


def kind_of(name: str | None) -> Kind | None:
    """The kind of a name; raises `InputError`."""
    if name is None:
        return None
    try:
        return Kind(name)
    except ValueError as error:
        known = ", ".join(kind.value for kind in Kind)
        raise InputError("there is no such kind of run", expected=known, found=name) from error


def run_now(loop: FeedbackLoop, name: str | None, *, dry_run: bool) -> dict[str, Any]:
    """Say what would be done, ask the loop that turns, or run here where none does."""
    kind = kind_of(name)
    if dry_run:
        decided = loop.decision()
        seen = loop.observer.observe(0.0, wall_us(), None)
        reasons = tuple(f"{key}: {why}" for key, why in decided.as_rows()["due"].items())
        dry = Run(
            f"dry-{wall_us()}",
            kind or Kind.FIT,
            Trigger.DRY_RUN,
            RunState.DECIDED,
            seen.events_seq,
            seen.catalog_seq,
            reasons,
            started_at_us=wall_us(),
        )
        loop.store.runs.add(dry, None)
        return {"dry_run": True, **decided.as_rows()}
    number = loop.store.requests.ask(kind, wall_us())
    ended = loop.step()
    request = loop.store.requests.get(number)
    if request is None or not request.answered:
        return {"asked": number, "state": "the loop that turns will do it"}
    loop.close()
    return {"runs": {run.run_id: f"{run.state.value} {run.result.get('index_version', '')}" for run in ended}}


def turn_until_stopped(loop: FeedbackLoop) -> None:
    """Step until Ctrl-C or a termination signal."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    out.print(f"the feedback loop turns every {loop.config.period_s:g} s; Ctrl-C stops")
    turn(loop, stop)
    out.print("stopped")


def _time(at_us: int | None) -> str | None:
    return None if at_us is None else datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()
