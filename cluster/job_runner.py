"""Commands of the feedback loop as jobs: through Ray where its dashboard answers, else as child processes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from recsys.config import RuntimeConfig
from recsys.errors import CapacityError
from recsys.signing import SIGNING_KEY_FILE, TRUSTED_KEYS

MODULE = "jobs.cli"
REFUSED = "GateError"
TAIL_CHARS = 2_000
POLL_S = 0.5
PATIENCE_S = 60.0
QUIET = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "NO_COLOR": "1"}
"""One thread, so that the service keeps its cores."""


@dataclass(frozen=True)
class JobResult:
    """What became of one command."""

    exit_code: int
    """0: done; negative: ended by a signal, -9 at the time limit."""
    row: Mapping[str, Any] = field(default_factory=dict)
    """What it printed with `--json`."""
    tail: str = ""
    """The last it said on stderr."""

    @property
    def refused(self) -> bool:
        """Whether the gate kept the published version."""
        return self.exit_code != 0 and REFUSED in self.tail


class JobRunner(Protocol):
    """Whoever runs a command of `recsys` to its end."""

    def run(self, arguments: Sequence[str], log: Path, timeout_s: float) -> JobResult:
        """Run it; its output goes to `log` as well."""


class ProcessRunner:
    """Runs commands as children of this process that step back behind the service."""

    def __init__(self, runtime: RuntimeConfig, niceness: int = 10, command: Sequence[str] = ()) -> None:
        """`command` in the place of `python -m jobs.cli`, for tests."""
        self._command = list(command) or [sys.executable, "-m", MODULE]
        self._environment, self._niceness = environment_of(runtime), niceness

    def run(self, arguments: Sequence[str], log: Path, timeout_s: float) -> JobResult:
        """See `JobRunner`; at the time limit the child and all its children are killed."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            file.write(f"$ recsys {shlex.join(arguments)}\n".encode())
            file.flush()
            child = subprocess.Popen(
                ["nice", "-n", str(self._niceness), *self._command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
            try:
                out, err = child.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                out, err = child.communicate()
            file.write(err + out)
        return JobResult(
            child.returncode, last_row(out.decode(errors="replace")), _tail(err.decode(errors="replace"))
        )


class RayJobRunner:
    """Submits commands as Ray jobs, which run on the cluster's head and survive this process."""

    def __init__(self, runtime: RuntimeConfig, dashboard: str) -> None:
        """`dashboard`: address of Ray's dashboard, such as `http://127.0.0.1:8265`."""
        from ray.job_submission import JobSubmissionClient

        self._client = JobSubmissionClient(dashboard)
        self._environment = environment_of(runtime)

    def run(self, arguments: Sequence[str], log: Path, timeout_s: float) -> JobResult:
        """See `JobRunner`; at the time limit the job is stopped."""
        from ray.job_submission import JobStatus

        entrypoint = shlex.join([sys.executable, "-m", MODULE, *arguments])
        job = self._submitted(entrypoint)
        deadline = time.monotonic() + timeout_s
        while not self._client.get_job_status(job).is_terminal():
            if time.monotonic() > deadline:
                self._client.stop_job(job)
                return JobResult(-signal.SIGKILL, {}, "stopped at its time limit")
            time.sleep(POLL_S)
        said = self._client.get_job_logs(job)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ recsys {shlex.join(arguments)}\n{said}")
        good = self._client.get_job_status(job) is JobStatus.SUCCEEDED
        return JobResult(0 if good else 1, last_row(said), _tail(said))

    def _submitted(self, entrypoint: str) -> str:
        """The job's id; a cluster that has just started has nobody yet who could run it."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return str(
                    self._client.submit_job(
                        entrypoint=entrypoint, runtime_env={"env_vars": self._environment}
                    )
                )
            except RuntimeError as error:
                if time.monotonic() > deadline:
                    raise CapacityError("Ray took no job", found=str(error)[:200]) from error
                time.sleep(POLL_S)


def environment_of(runtime: RuntimeConfig) -> dict[str, str]:
    """What tells a command which shop it works for, whom it trusts, and where it finds the key to sign with.

    The key itself is never passed on: Ray shows a job's environment to whoever may list jobs.
    """
    keys = {name: os.environ[name] for name in (TRUSTED_KEYS, SIGNING_KEY_FILE) if os.environ.get(name)}
    database = {"RECSYS_DATABASE_URL": runtime.database_url} if runtime.database_url else {}
    return {**QUIET, "RECSYS_WORKSPACE": str(runtime.workspace), **database, **keys}


def last_row(text: str) -> dict[str, Any]:
    """The last line that is a JSON object; empty without one."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            try:
                found = json.loads(line)
            except ValueError:
                continue
            if isinstance(found, dict):
                return found
    return {}


def _tail(text: str) -> str:
    return text.strip()[-TAIL_CHARS:]
