"""The loop that keeps a live shop fresh: look, decide, run, write down; one of it in a shop at a time."""

from __future__ import annotations

import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from cluster.job_runner import JobResult, JobRunner
from cluster.loop_store import LeaseRow, LoopStore
from cluster.loop_store.runs import LEASE
from cluster.map_drawing import draw_map
from cluster.replica_board import ReplicaBoard
from cluster.retention import Retention
from cluster.shop_observer import ShopObserver
from recsys.encoder_record import load_encoder_config
from recsys.errors import RecsysError
from recsys.feedback import Decision, Kind, LoopConfig, Run, RunState, Trigger, decide, service_verdict
from recsys.feedback.back_off import back_off_s
from recsys.feedback.steady_clock import SteadyClock
from recsys.feedback.steps import RunPlan
from recsys.privacy.settings import load_privacy

log = logging.getLogger(__name__)
CLOCK, FIT_MEAN, ROLLED_BACK, RETAINED = "clock", "fit_mean", "rolled_back_s", "retained_s"
RETAIN_EVERY_S = 86_400.0
"""Windows of people's data are applied once a day."""


def wall_us() -> int:
    """Microseconds since 1970 UTC by this machine's clock."""
    return time.time_ns() // 1_000


@dataclass
class FeedbackLoop:
    """One loop over one shop; `step` is called on a period by one thread."""

    config: LoopConfig
    store: LoopStore
    observer: ShopObserver
    board: ReplicaBoard
    runner: JobRunner
    retention: Retention | None = None
    """Applies the windows of `privacy.json`; None: nobody does here."""
    address: str | None = None
    """Ray address that jobs join; None: each starts what it needs."""
    wall_us: Callable[[], int] = wall_us
    monotonic: Callable[[], float] = time.monotonic
    rng: np.random.Generator = field(default_factory=np.random.default_rng)
    holder: str = field(default_factory=lambda: f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}")
    _token: int | None = None
    _seen: tuple[LeaseRow, float] | None = None
    _clock: SteadyClock | None = None
    _looked_s: float = float("-inf")

    def step(self) -> list[Run]:
        """One look: what people asked for, the version in service, and on its period what the policy says.

        The runs that ended. Nothing happens where another loop has the lease. Raises `StoreError`.
        """
        if not self._has_lease():
            return []
        now_s = self._now_s()
        self._keep_windows(now_s)
        ended = self._judge_service(now_s)
        ended += self._answer_requests()
        if not self.store.paused and now_s - self._looked_s >= self.config.period_s:
            self._looked_s = now_s
            ended += self._run_all(self.decision(), Trigger.POLICY)
        return ended

    def decision(self) -> Decision:
        """What is due now, and what every other kind waits for; nothing is run."""
        seen = self.observer.observe(self._now_s(), self.wall_us(), self.store.state(FIT_MEAN))
        return decide(self.config, seen, self.store.runs.history())

    def run(self, kind: Kind, trigger: Trigger, reasons: Sequence[str], attempt: int = 1) -> Run:
        """Run one kind to its end and write down what became of it. Raises `LeaseLostError`."""
        run = self._begun(kind, trigger, reasons, attempt)
        with self._beating():
            ended = self._ended(run, *self._execute(run))
        self.store.runs.replace(ended, self._token)
        self._remember(ended)
        log.info("feedback loop: %s %s", kind.value, ended.state.value)
        return ended

    def close(self) -> None:
        """Give the lease back."""
        if self._token is not None:
            self.store.leases.release(LEASE, self._token)
            self._token = None

    def _has_lease(self) -> bool:
        """Whether this loop may act; a lease whose holder gave no sign for `lease_s` is taken over."""
        if self._token is not None and self.store.leases.renew(LEASE, self._token):
            return True
        self._token, row, now = None, self.store.leases.look(LEASE), self.monotonic()
        if row.holder is not None:
            if self._seen is None or self._seen[0] != row:
                self._seen = (row, now)
            if now - self._seen[1] < self.config.lease_s:
                return False
        self._token = self.store.leases.take(LEASE, self.holder, row)
        if self._token is not None:
            self._close_abandoned()
        return self._token is not None

    def _close_abandoned(self) -> None:
        """Runs that a dead loop left open: nobody works on them any more."""
        for run in self.store.runs.unended():
            self.store.runs.replace(
                self._ended(run, RunState.FAILED, {"error": "abandoned by its loop"}), self._token
            )

    def _now_s(self) -> float:
        if self._clock is None:
            saved = self.store.state(CLOCK)
            self._clock = SteadyClock(saved and (saved[0], saved[1]), self.wall_us(), self.monotonic)
        now_s = self._clock.now_s()
        self.store.set_state(CLOCK, [now_s, self.wall_us()])
        return now_s

    def _keep_windows(self, now_s: float) -> None:
        """Once a day: remove what has outlived the shop's windows, also while the loop is paused."""
        last = self.store.state(RETAINED)
        if self.retention is None or (last is not None and now_s - last < RETAIN_EVERY_S):
            return
        windows = load_privacy(self.observer.workspace).retention
        if windows:
            counts = self.retention.apply(windows)
            log.info("windows of people's data: removed %s", counts.as_rows())
            self.store.set_state(RETAINED, now_s)

    def _judge_service(self, now_s: float) -> list[Run]:
        """Take the version in service back where it fails so much more than the one before it."""
        manifest = self.observer.manifest()
        if manifest is None or self.store.paused:
            return []
        last = self.store.state(ROLLED_BACK)
        since = None if last is None else now_s - last
        verdict = service_verdict(
            manifest.index_version, self.observer.previous(), self.board.counts(), self.config.verdict, since
        )
        if not verdict.roll_back:
            return []
        self.store.set_state(ROLLED_BACK, now_s)
        return [self.run(Kind.ROLLBACK, Trigger.POLICY, verdict.reasons)]

    def _answer_requests(self) -> list[Run]:
        ended: list[Run] = []
        for request in self.store.requests.open():
            if request.kind is None:
                runs = self._run_all(self.decision(), Trigger.MANUAL)
            else:
                runs = [self.run(request.kind, Trigger.MANUAL, ("a person asked for it",))]
            self.store.requests.answer(request.number, {"runs": [run.run_id for run in runs]})
            ended += runs
        return ended

    def _run_all(self, decision: Decision, trigger: Trigger) -> list[Run]:
        return [self.run(one.kind, trigger, one.reasons, one.attempt) for one in decision.actions]

    def _begun(self, kind: Kind, trigger: Trigger, reasons: Sequence[str], attempt: int) -> Run:
        seen = self.observer.observe(self._now_s(), self.wall_us(), self.store.state(FIT_MEAN))
        run = Run(
            f"{kind.value}-{uuid.uuid4().hex[:12]}",
            kind,
            trigger,
            RunState.RUNNING,
            seen.events_seq,
            seen.catalog_seq,
            tuple(reasons),
            seen.as_inputs(),
            attempt=attempt,
            started_at_us=self.wall_us(),
        )
        self.store.runs.add(run, self._token)
        return run

    def _execute(self, run: Run) -> tuple[RunState, Mapping[str, Any]]:
        """The run's commands in turn, up to the first that fails."""
        manifest = self.observer.manifest()
        if manifest is None:
            return RunState.SKIPPED, {"error": "no index version is published yet"}
        rows: list[Mapping[str, Any]] = []
        workspace = self.observer.workspace
        log_file = workspace.root / "loop" / f"{run.run_id}.log"
        timeout_s = self.config.of(run.kind).timeout_s
        try:
            encoder = load_encoder_config(workspace, manifest.encoder_version)
            plan = RunPlan(manifest, encoder, self.config, self.address)
            for command in plan.commands(run.kind):
                result = self.runner.run(command(rows), log_file, timeout_s)
                if result.exit_code != 0:
                    return _failure(result, log_file.name)
                rows.append(result.row)
        except (RecsysError, OSError) as error:
            return RunState.FAILED, {"error": str(error)}
        drawn = draw_map(self.runner, plan.drawing(run.kind, rows), log_file, timeout_s)
        return RunState.SUCCEEDED, {**(rows[-1] if rows else {}), **drawn, "log": log_file.name}

    def _ended(self, run: Run, state: RunState, result: Mapping[str, Any]) -> Run:
        now_s = self._now_s()
        retry = (
            now_s + back_off_s(run.attempt, self.config.retry, self.rng) if state is RunState.FAILED else None
        )
        return replace(
            run, state=state, result=dict(result), ended_at_us=self.wall_us(), ended_s=now_s, retry_at_s=retry
        )

    def _remember(self, run: Run) -> None:
        """What later looks compare with."""
        manifest = self.observer.manifest()
        if (
            run.state is RunState.SUCCEEDED
            and run.kind in (Kind.FIT, Kind.FINE_TUNE)
            and manifest is not None
        ):
            self.store.set_state(FIT_MEAN, self.observer.mean_vector(manifest))

    @contextmanager
    def _beating(self) -> Iterator[None]:
        """Keep the lease while a long run is on its way."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(self.config.lease_s / 4.0):
                try:
                    if self._token is None or not self.store.leases.renew(LEASE, self._token):
                        return
                except RecsysError as error:
                    log.warning("the lease was not renewed: %s", error)

        thread = threading.Thread(target=beat, name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _failure(result: JobResult, log_name: str) -> tuple[RunState, Mapping[str, Any]]:
    state = RunState.REFUSED if result.refused else RunState.FAILED
    return state, {"exit_code": result.exit_code, "error": result.tail, "log": log_name}
