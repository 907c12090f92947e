"""Switches on what one process of the service tells about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recsys.config import LogConfig, TraceConfig
from serve_app.telemetry.log_file import log_into
from serve_app.telemetry.spans import trace_with
from serve_app.telemetry.trace_export import tracer_provider


@dataclass(frozen=True)
class Telemetry:
    """Plain values that each deployment gets when it is bound."""

    log: LogConfig
    folder: Path
    """Folder of log files."""
    traces: TraceConfig

    def start(self, process: str) -> None:
        """Log, and trace where that is on, as `process` from now on."""
        log_into(self.folder, self.log, process)
        if self.traces.target is not None:
            trace_with(tracer_provider(self.traces, process).get_tracer("recsys"))
