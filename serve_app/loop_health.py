"""The feedback loop as the metrics tell it: its runs, its failures, and whether it turns."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from itertools import takewhile

from cluster.loop_store import LoopStore
from cluster.loop_store.runs import LEASE
from recsys.feedback import Kind, Run, RunState
from serve_app.metrics import Metrics
from serve_app.refreshing import refresh_for_ever

log = logging.getLogger(__name__)
PERIOD_S = 10.0
EACH = 30
"""Newest runs of a kind that are looked at; a row of failures is counted up to it."""


class LoopHealth:
    """Reads the loop's book on a period; whoever scrapes a replica then sees the same as its neighbours."""

    def __init__(self, store: LoopStore, metrics: Metrics) -> None:
        self._store, self._metrics = store, metrics

    async def refresh(self) -> None:
        """Set the gauges; raises `StoreError`, with them as they were."""
        runs, beat, paused = await asyncio.to_thread(self._look)
        self._metrics.loop_beats.set(beat)
        self._metrics.loop_paused.set(paused)
        for kind in Kind:
            self._tell(kind, [run for run in runs if run.kind is kind])

    async def run(self) -> None:
        """Look for ever, the first time at once; one failed look does not end it."""
        await refresh_for_ever(self.refresh, PERIOD_S, log, "the loop's book could not be read", at_once=True)

    def _look(self) -> tuple[list[Run], int, bool]:
        store = self._store
        return store.runs.history(EACH), store.leases.look(LEASE).beat, store.paused

    def _tell(self, kind: Kind, runs: list[Run]) -> None:
        """`runs`: those of the kind, oldest first."""
        states = Counter(run.state for run in runs)
        for state in RunState:
            self._metrics.job_runs.labels(kind, state).set(states[state])
        ended = [run.state for run in reversed(runs) if run.ended_at_us is not None]
        failed = takewhile(lambda state: state is RunState.FAILED, ended)
        self._metrics.job_failures.labels(kind).set(sum(1 for _ in failed))
        done = [run.ended_at_us for run in runs if run.state is RunState.SUCCEEDED and run.ended_at_us]
        if done:
            self._metrics.job_success_age.labels(kind).set(time.time() - done[-1] / 1e6)
