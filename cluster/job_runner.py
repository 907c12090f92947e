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
from typing import TYPE_CHECKING, Any, Protocol

from recsys.addresses import holds_password
from recsys.config import RuntimeConfig
from recsys.errors import CapacityError, ConfigError
from recsys.signing import SIGNING_KEY_FILE, TRUSTED_KEYS

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

MODULE = "jobs.cli"
DATABASE = "RECSYS_DATABASE_URL"
REFUSED = "GateError"
TAIL_CHARS = 2_000
UNAVAILABLE = 3
"""Exit code of a command whose job has none of its own: its machine was lost, or somebody stopped it."""
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
        database = {DATABASE: runtime.database_url} if runtime.database_url else {}
        self._environment, self._niceness = {**environment_of(runtime), **database}, niceness

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
        """`dashboard`: address of Ray's dashboard, such as `http://127.0.0.1:8265`.

        Raises `ConfigError` as `job_environment` does.
        """
        from ray.job_submission import JobSubmissionClient

        self._environment = job_environment(runtime)
        self._client = JobSubmissionClient(dashboard)

    def run(self, arguments: Sequence[str], log: Path, timeout_s: float) -> JobResult:
        """See `JobRunner`; at the time limit the job is stopped."""
        entrypoint = shlex.join([sys.executable, "-m", MODULE, *arguments])
        job = submitted(self._client, entrypoint, self._environment)
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
        return JobResult(exit_code_of(self._client.get_job_info(job)), last_row(said), _tail(said))


def submitted(client: JobSubmissionClient, entrypoint: str, environment: Mapping[str, str]) -> str:
    """The job's id; waits for a cluster that has just started and has nobody yet who could run it.

    Raises `CapacityError` after `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return str(client.submit_job(entrypoint=entrypoint, runtime_env={"env_vars": dict(environment)}))
        except RuntimeError as error:
            if time.monotonic() > deadline:
                raise CapacityError("Ray took no job", found=str(error)[:200]) from error
            time.sleep(POLL_S)


def environment_of(runtime: RuntimeConfig) -> dict[str, str]:
    """What tells a command which shop it works for, whom it trusts, and where it finds the key to sign with.

    Neither the key itself nor the database's address: Ray shows a job's environment to whoever may list jobs.
    """
    keys = {name: os.environ[name] for name in (TRUSTED_KEYS, SIGNING_KEY_FILE) if os.environ.get(name)}
    return {**QUIET, "RECSYS_WORKSPACE": str(runtime.workspace), **keys}


def job_environment(runtime: RuntimeConfig) -> dict[str, str]:
    """The environment of a Ray job; an address with a password is left to the node's own environment.

    Raises `ConfigError` where that names another database, or none: the job would work for another shop.
    """
    url = runtime.database_url
    if url is None or not holds_password(url):
        return {**environment_of(runtime), **({DATABASE: url} if url else {})}
    if os.environ.get(DATABASE) != url:
        raise ConfigError(
            "a cluster's list of jobs would show the database's password",
            expected=f"this database as {DATABASE} in the environment of every node",
            hint=f"set {DATABASE} before Ray starts, or take an address without a password",
        )
    return environment_of(runtime)


def exit_code_of(job: JobDetails) -> int:
    """What a job's command ended with; `UNAVAILABLE` where it did not come to an end of its own."""
    code = job.driver_exit_code
    if job.status == "SUCCEEDED":
        return 0
    return code if code is not None and code > 0 else UNAVAILABLE


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
