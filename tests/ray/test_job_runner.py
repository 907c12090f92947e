"""Commands as jobs of a real Ray and as child processes: how they end, and what they are told."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from cluster.job_runner import ProcessRunner
from recsys.config import RuntimeConfig

URL = "postgresql+psycopg://shop:hunter2@db:5432/shop"  # pragma: allowlist secret


@pytest.fixture
def dashboard() -> Iterator[tuple[str, dict[str, str]]]:
    """A Ray of its own: its dashboard's address, and the environment of whoever may send jobs."""
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # short: Ray limits its sockets' names
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**os.environ, **token, "RAY_USAGE_STATS_ENABLED": "0"}
    gcs, http, agent = free_ports(3)
    here = ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--temp-dir={folder}"]
    ports = [f"--port={gcs}", f"--dashboard-port={http}", f"--dashboard-agent-listen-port={agent}"]
    ray = Path(sys.executable).with_name("ray")
    with subprocess.Popen(
        [ray, "start", "--head", "--block", "--num-cpus=1", *here, *ports],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as head:
        try:
            yield f"http://127.0.0.1:{http}", environment
        finally:
            head.terminate()
            head.wait(timeout=60)
            shutil.rmtree(folder, ignore_errors=True)


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, all different."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()


def run(arguments: Sequence[str], environment: dict[str, str]) -> int:
    """The exit code of a command."""
    command = [sys.executable, "-m", "jobs.cli", *arguments]
    return subprocess.run(
        command, env=environment, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).returncode


def wait_for(address: str, environment: dict[str, str], workspace: str) -> None:
    """Return once jobs are taken; before that nothing answers, which is wrong use: 2."""
    for _ in range(30):
        if run(["--submit", address, "status", "-w", workspace], environment) == 0:
            return
    raise AssertionError("no job was taken")


def test_a_submitted_command_ends_with_its_own_exit_code(
    dashboard: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    address, environment = dashboard
    workspace = str(tmp_path / "workspace")
    wait_for(address, environment, workspace)
    for command, code in (
        (["status", "-w", "s3://bucket/shop"], 2),
        (["rollback", "-w", workspace], 3),
    ):
        assert run(command, environment) == code
        assert run(["--submit", address, *command], environment) == code


def test_a_child_process_is_told_its_database(tmp_path: Path) -> None:
    tell = ["sh", "-c", 'printf \'{"url": "%s"}\' "$RECSYS_DATABASE_URL"']
    runtime = RuntimeConfig(workspace=tmp_path, database_url=URL)
    found = ProcessRunner(runtime, command=tell).run([], tmp_path / "log", 60.0)
    assert found.row == {"url": URL}
