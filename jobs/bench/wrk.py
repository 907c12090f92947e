"""Load by wrk: a process of its own, so that the client's work is not counted as the server's."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from recsys.errors import ConfigError, StoreError

MARK = "FIGURES "
US_PER_MS = 1e3
GRACE_S = 60.0
SCRIPT = """local bodies = {
%(bodies)s
}
local headers = {["Content-Type"] = "application/json"}
local requests = {}
local place = 0
function init()
  for number, body in ipairs(bodies) do
    requests[number] = wrk.format("POST", "%(path)s", headers, body)
  end
end
function request()
  place = place %% #requests + 1
  return requests[place]
end
%(done)s"""
DONE = """function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests": %d, "micros": %d, "p50": %f, "p90": %f, "p99": %f, "status": %d, "broken": %d}\\n',
    summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(90), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""
"""Prints one line of JSON; latencies are microseconds."""


@dataclass(frozen=True)
class Load:
    """What one run of wrk saw."""

    requests_per_s: float
    p50_ms: float
    p90_ms: float
    p99_ms: float
    failed: int
    """Answers of status 400 and above, and connections that broke or timed out."""


def require_wrk() -> str:
    """Path of wrk; raises `ConfigError` when it is not installed."""
    if (found := shutil.which("wrk")) is None:
        raise ConfigError("wrk is not installed", expected="apt-get install wrk")
    return found


def post_script(file: Path, path: str, bodies: Sequence[object]) -> Path:
    """Write a script that posts the bodies to `path` in turn, over and over; needs at least one."""
    lines = ",\n".join(f"[==[{json.dumps(body)}]==]" for body in bodies)
    return write_script(file, SCRIPT % {"bodies": lines, "path": path, "done": DONE})


def write_script(file: Path, text: str) -> Path:
    """Put a Lua script at `file`."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def run_wrk(url: str, script: Path, clients: int, duration_s: float) -> Load:
    """Load `url` from one thread over `clients` connections; each sends on as soon as it is answered.

    Raises `StoreError` when wrk ends without figures.
    """
    command = [require_wrk(), "-t1", f"-c{clients}", f"-d{duration_s:.0f}s", "--timeout", "10s"]
    finished = subprocess.run(
        [*command, "-s", str(script), url], capture_output=True, text=True, timeout=duration_s + GRACE_S
    )
    return load_of(finished.stdout, finished.stderr)


def load_of(printed: str, complaints: str = "") -> Load:
    """What wrk printed as figures; raises `StoreError` when there are none."""
    lines = [line.removeprefix(MARK) for line in printed.splitlines() if line.startswith(MARK)]
    if not lines:
        raise StoreError("wrk gave no figures", found=(complaints or printed)[-300:])
    seen = json.loads(lines[-1])
    return Load(
        requests_per_s=seen["requests"] / (seen["micros"] / 1e6),
        p50_ms=seen["p50"] / US_PER_MS,
        p90_ms=seen["p90"] / US_PER_MS,
        p99_ms=seen["p99"] / US_PER_MS,
        failed=seen["status"] + seen["broken"],
    )
