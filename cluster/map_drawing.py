"""The map of a version that the loop has published; the version serves with or without one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cluster.job_runner import JobResult, JobRunner
from recsys.errors import RecsysError

log = logging.getLogger(__name__)
TOLD = ("points", "agreement")


def draw_map(
    runner: JobRunner, command: Sequence[str] | None, log_file: Path, timeout_s: float
) -> dict[str, Any]:
    """Run the command that draws it; what the run's result says of it under `map`.

    Empty without a command. A failure is said there and in the log, and is nobody's error.
    """
    if command is None:
        return {}
    try:
        result = runner.run(command, log_file, timeout_s)
    except (RecsysError, OSError) as error:
        result = JobResult(1, {}, str(error))
    if result.exit_code == 0:
        return {"map": {name: result.row[name] for name in TOLD if name in result.row}}
    log.warning("feedback loop: no map was drawn of the new version: %s", result.tail)
    return {"map": f"not drawn: {result.tail or f'exit code {result.exit_code}'}"}
