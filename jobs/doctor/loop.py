"""The feedback loop: paused, stopped in the middle of a run, or failing."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine

from cluster.database_probe import has_table
from cluster.loop_store import LoopStore
from cluster.loop_store.runs import LEASE
from jobs.doctor.finding import Finding, ok, warning
from recsys.feedback import Run, RunState

NAME = "feedback loop"
TABLES = ("loop_runs", "loop_leases", "loop_requests", "loop_state")


def examine_loop(engine: Engine) -> Iterator[Finding]:
    """What the loop's book says; one finding for each kind of run whose newest failed."""
    if not all(has_table(engine, name) for name in TABLES):
        yield ok(NAME, "it has not run yet")
        return
    store = LoopStore(engine)
    holder, begun = store.leases.look(LEASE).holder, store.runs.unended()
    if store.paused:
        yield warning(NAME, "paused by a person; nothing is retrained", "recsys loop resume")
    elif begun and holder is None:
        names = ", ".join(run.run_id for run in begun)
        yield warning(NAME, f"nobody works on what was begun: {names}", "recsys serve, or recsys loop start")
    else:
        running = f", running {begun[-1].kind.value}" if begun else ""
        yield ok(NAME, (f"held by {holder}" if holder else "nobody turns it now") + running)
    yield from _failures(store.runs.history())


def _failures(runs: list[Run]) -> Iterator[Finding]:
    newest = {run.kind: run for run in runs}
    for kind, run in newest.items():
        if run.state is RunState.FAILED:
            why = str(run.result.get("error", "no reason was written"))[-300:]
            found = f"attempt {run.attempt} of {run.run_id} failed: {why}"
            advice = f"mend the reason, then recsys loop run {kind.value}"
            yield warning(f"{NAME}: {kind.value}", found, advice)
