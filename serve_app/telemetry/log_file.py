"""Where log lines go: one file for each process in one folder, bounded in size and age."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path

from recsys.config import LogConfig, LogFormat
from serve_app.telemetry.log_lines import LineFormatter

PACKAGES = ("recsys", "cluster", "serve_app")
SUFFIX = {LogFormat.JSON: ".jsonl", LogFormat.TEXT: ".log"}
DAY_S = 86_400.0


class LogFile(RotatingFileHandler):
    """A file that starts anew when it is full and keeps one older; a full disk costs lines, not answers."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(path, maxBytes=max_bytes, backupCount=1, encoding="utf-8", delay=True)

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802  # the name is the library's
        """Whether the file is full; the library's own would format each record twice."""
        return self.stream is not None and self.stream.tell() >= self.maxBytes

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop the line."""


def log_into(folder: Path, config: LogConfig, process: str) -> LogFile:
    """Write this process's log lines into a file of `folder` from now on; files of other days go.

    Lines of our packages are written from the configured level on, those of libraries from warnings on.
    """
    with contextlib.suppress(OSError):  # a service that cannot write its log answers all the same
        folder.mkdir(parents=True, exist_ok=True)
        _forget_old(folder, config.days)
    plain = re.sub(r"[^\w.-]", "_", f"{process}-{socket.gethostname()}-{os.getpid()}")
    handler = LogFile(folder / f"{plain}{SUFFIX[config.format]}", config.file_bytes)
    handler.setFormatter(LineFormatter(config.format, process))
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, LogFile)]:
        stop_logging(old)
    root.addHandler(handler)
    for name in PACKAGES:
        logging.getLogger(name).setLevel(config.level.upper())
    return handler


def stop_logging(handler: LogFile) -> None:
    """Write no more lines there."""
    logging.getLogger().removeHandler(handler)
    with contextlib.suppress(OSError):  # a full disk, still
        handler.close()


def _forget_old(folder: Path, days: float) -> None:
    oldest = time.time() - days * DAY_S
    for file in folder.iterdir():
        # Other processes clean up as well.
        with contextlib.suppress(OSError):
            if file.is_file() and file.stat().st_mtime < oldest:
                file.unlink()
