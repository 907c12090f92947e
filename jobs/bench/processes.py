"""Processes that a benchmark starts: found by their tree, measured, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recsys.errors import ConfigError

PROC = Path("/proc")
KIB = 1024


@dataclass(frozen=True)
class Memory:
    """What one process holds, bytes."""

    own: int
    """Pages without a file behind them: what stays in memory as long as the process lives."""
    mapped: int
    """Pages of mapped files and libraries, counted whole: others may share them, the system may drop them."""

    @property
    def resident(self) -> int:
        """All pages in memory."""
        return self.own + self.mapped


def memory_of(pid: int) -> Memory:
    """Memory of a process; raises `ConfigError` where the system has no `smaps_rollup`."""
    path = PROC / str(pid) / "smaps_rollup"
    try:
        lines = path.read_text().splitlines()[1:]
    except FileNotFoundError as error:
        raise ConfigError(
            "memory cannot be measured", expected="Linux and a live process", found=str(path)
        ) from error
    fields = {line.split(":")[0]: int(line.split()[1]) * KIB for line in lines}
    return Memory(fields["Anonymous"], fields["Rss"] - fields["Anonymous"])


def cpu_s_of(pid: int) -> float:
    """Processor time a process has used so far; 0 for one that has ended."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def title_of(pid: int) -> str:
    """Command line of a process; empty for one that has ended."""
    try:
        return (
            (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        )
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descendants(pid: int) -> list[int]:
    """Every process that `pid` started, directly or not, in no order."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.glob("[0-9]*/stat"):
        try:
            # The name may hold spaces and brackets; what follows the last bracket does not.
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents.setdefault(parent, []).append(int(entry.parent.name))
    found, waiting = list[int](), [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def start(
    command: Sequence[str], log: Path, environment: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a command that prints into `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        return subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )


def end(process: subprocess.Popen[bytes], patience_s: float = 40.0) -> None:
    """Ask a process to stop; after `patience_s` end it and all it started."""
    if process.poll() is not None:
        return
    left = descendants(process.pid)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        for pid in left:
            _kill(pid)
        process.wait()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
