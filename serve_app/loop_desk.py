"""The feedback loop over HTTP: what it decided and did, and what people ask of it."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cluster.loop_store import LoopStore
from recsys.errors import InputError
from recsys.feedback import Kind, Run
from recsys.feedback.steps import STEPS
from recsys.payloads import JobAsked, JobBody, LoopAnswer
from recsys.workspace import Workspace

COMMAND = re.compile(r"^\$ recsys ", re.M)
"""The line that a run's log begins each of its commands with."""
LOG_CHARS = 20_000
SHOWN_RUNS = 50
LEASE = "feedback-loop"


@dataclass(frozen=True)
class LoopDesk:
    """Reads the loop's book and leaves requests in it; the loop itself turns elsewhere."""

    store: LoopStore
    workspace: Workspace

    async def status(self) -> LoopAnswer:
        """Whether it turns, and its newest runs."""
        return await asyncio.to_thread(self._status)

    async def pause(self, paused: bool) -> LoopAnswer:
        """Let it decide nothing by itself, or let it decide again."""
        await asyncio.to_thread(self.store.set_state, "paused", paused)
        return await self.status()

    async def ask(self, kind: str) -> JobAsked:
        """Ask for a run as soon as may be; raises `InputError` for a kind that is not there."""
        try:
            wanted = None if kind == "due" else Kind(kind)
        except ValueError as error:
            known = ", ".join(["due", *(one.value for one in Kind)])
            raise InputError("there is no such job", expected=known, found=kind, where="kind") from error
        number = await asyncio.to_thread(self.store.requests.ask, wanted, time.time_ns() // 1_000)
        return JobAsked(request=number, kind=kind)

    async def job(self, run_id: str) -> JobBody:
        """One run with the end of its log; raises `NotFoundError`."""
        run = await asyncio.to_thread(self.store.runs.get, run_id)
        return await asyncio.to_thread(self._logged, run)

    async def jobs(self, limit: int) -> list[JobBody]:
        """The newest runs."""
        runs = await asyncio.to_thread(self.store.runs.newest, limit)
        return [_body(run, None) for run in runs]

    def _logged(self, run: Run) -> JobBody:
        text = _text(self.workspace.root / "loop" / f"{run.run_id}.log")
        begun = len(COMMAND.findall(text)) if text else None
        return _body(run, text[-LOG_CHARS:]).model_copy(update={"steps_begun": begun})

    def _status(self) -> LoopAnswer:
        return LoopAnswer(
            paused=self.store.paused,
            holder=self.store.leases.look(LEASE).holder,
            running=[run.run_id for run in self.store.runs.unended()],
            waiting=[request.kind.value if request.kind else "due" for request in self.store.requests.open()],
            runs=[_body(run, None) for run in self.store.runs.newest(SHOWN_RUNS)],
        )


def _body(run: Run, log: str | None) -> JobBody:
    return JobBody(
        run_id=run.run_id,
        kind=run.kind.value,
        trigger=run.trigger.value,
        state=run.state.value,
        attempt=run.attempt,
        reasons=list(run.reasons),
        inputs=dict(run.inputs),
        result=dict(run.result),
        started_at=_time(run.started_at_us),
        steps=STEPS[run.kind],
        ended_at=None if run.ended_at_us is None else _time(run.ended_at_us),
        log=log,
    )


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat()


def _text(log: Path) -> str:
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
